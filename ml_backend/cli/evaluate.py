"""`goldloop tagger evaluate`: what a tagger is worth on gold, in full."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ml_backend.cli.terminal import bars, print_json, sentences, tables, tell_refused
from ml_backend.contract.scoring import Counts
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.loading import TextTagger, load_model, load_tagger
from ml_backend.tagger.predict import TextPrediction
from ml_backend.training.files import FileError, read_gold
from ml_backend.training.reach import reach
from ml_backend.training.reliability_plot import draw
from ml_backend.training.report import Report, report

_BLOCK = 512  # documents between two moves of the bar
_CONFUSIONS = 10  # shown of the most frequent


@click.command()
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    help="a tagger's folder",
    metavar="DIR",
)
@click.option(
    "--data",
    "data",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="gold, JSON Lines; may be given several times",
    metavar="FILE",
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help="write the reliability plot here", metavar="PNG"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of tables")
def evaluate(model: Path, data: tuple[Path, ...], plot: Path | None, as_json: bool) -> None:
    """Scores per label, mistakes, reach and calibration on gold."""
    with sentences():
        gold = read_gold(data, overlapping=True)
        tagger = load_tagger(model)
        readings = tagged(tagger, gold.documents, "tagging", quiet=as_json)
        found = report(gold.documents, readings, reach(load_model(model), gold.documents))
    tell_refused(gold.refused)
    if as_json:
        refused = [asdict(line) for line in gold.refused]
        print_json({"model": str(model), **found.to_dict(), "refused": refused})
    else:
        _show(found, tables())
    if plot is not None:
        with sentences():
            _draw(found, plot)


def tagged(
    tagger: TextTagger, documents: Sequence[GoldDocument], what: str, *, quiet: bool
) -> list[TextPrediction]:
    """What a tagger says of each document, with a bar."""
    readings: list[TextPrediction] = []
    with bars(quiet=quiet) as bar:
        shown = bar.add_task(what, total=len(documents))
        for first in range(0, len(documents), _BLOCK):
            block = documents[first : first + _BLOCK]
            readings += tagger.predict([document.text for document in block])
            bar.advance(shown, len(block))
    return readings


def _draw(found: Report, plot: Path) -> None:
    try:
        draw({"entities": found.spans, "documents": found.whole}, plot)
    except OSError as error:
        raise FileError(plot, error.strerror or str(error)) from error


def _show(found: Report, console: Console) -> None:
    console.print(_scores(found))
    low, high = found.interval.low, found.interval.high
    console.print(f"micro F1, 95 % of resampled documents: {low:.4f} to {high:.4f}")
    console.print(_mistakes(found))
    confused = [c for c in found.mistakes.to_dict()["confusion"] if c["gold"] != c["predicted"]]
    for one in confused[:_CONFUSIONS]:
        console.print(f"  {one['count']} × {one['gold']} taken for {one['predicted']}")
    barriers = ", ".join(f"{n} by {barrier}" for barrier, n in found.reach.unreachable.items())
    console.print(
        f"gold within reach: {found.reach.share:.4f} of {found.reach.entities}"
        + (f"; out of it: {barriers}" if barriers else "")
    )
    console.print(_calibration(found))


def _scores(found: Report) -> Table:
    table = Table("label", "precision", "recall", "F1", "gold", "predicted", "right")
    for column in table.columns[1:]:
        column.justify = "right"

    def row(name: str, counts: Counts) -> None:
        shares = (f"{each:.4f}" for each in (counts.precision, counts.recall, counts.f1))
        numbers = (counts.support, counts.predicted, counts.true_positive)
        table.add_row(name, *shares, *map(str, numbers))

    for label, counts in found.scores.per_label.items():
        row(label, counts)
    table.add_section()
    row("micro", found.scores.micro)
    macro = found.macro
    table.add_row("macro", *(f"{each:.4f}" for each in (macro.precision, macro.recall, macro.f1)))
    return table


def _mistakes(found: Report) -> Table:
    table = Table(title=f"entities of {found.documents} documents")
    for kind in found.mistakes.kinds:
        table.add_column(kind.value.replace("_", " "), justify="right")
    table.add_row(*(str(count) for count in found.mistakes.kinds.values()))
    return table


def _calibration(found: Report) -> Table:
    table = Table("probability of", "said", "calibration error", "log-loss")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, part in (("entities", found.spans), ("documents", found.whole)):
        error, loss = part.expected_calibration_error, part.log_loss
        table.add_row(name, str(part.count), f"{error:.4f}", f"{loss:.4f}")
    return table
