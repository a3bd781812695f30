"""`goldloop tagger compare`: which of several taggers is better, and whether that is certain."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from ml_backend.cli.evaluate import tagged
from ml_backend.cli.terminal import MistakeError, print_json, sentences, tables, tell_refused
from ml_backend.tagger.loading import load_tagger
from ml_backend.training.files import read_gold
from ml_backend.training.report import Comparison
from ml_backend.training.report import compare as compared


@click.command()
@click.option(
    "--models",
    "first",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="two taggers' folders or more, one after the other",
    metavar="DIR...",
)
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.option(
    "--data",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="gold, JSON Lines; may be given several times",
    metavar="FILE",
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a table")
def compare(
    first: tuple[Path, ...], more: tuple[Path, ...], data: tuple[Path, ...], as_json: bool
) -> None:
    """Any two of several taggers on the same gold, by the paired bootstrap."""
    with sentences():
        folders = [*first, *more]
        if len(folders) < 2 or len(set(folders)) < len(folders):
            raise MistakeError("--models takes two different folders or more")
        gold = read_gold(data, overlapping=True)
        readings = [
            (str(folder), tagged(load_tagger(folder), gold.documents, str(folder), quiet=as_json))
            for folder in folders
        ]
        found = compared(gold.documents, readings)
    tell_refused(gold.refused)
    if as_json:
        refused = [asdict(line) for line in gold.refused]
        comparisons = [one.to_dict() for one in found]
        documents = len(gold.documents)
        print_json({"documents": documents, "comparisons": comparisons, "refused": refused})
    else:
        tables().print(_table(found))


def _table(found: Sequence[Comparison]) -> Table:
    table = Table("first", "second", "F1", "F1", "second less first", "95 %", "")
    for column in table.columns[2:6]:
        column.justify = "right"
    for one in found:
        low, difference, high = one.difference.low, one.difference.estimate, one.difference.high
        better = "second is better" if low > 0 else "first is better" if high < 0 else "undecided"
        table.add_row(
            one.first,
            one.second,
            f"{one.first_f1:.4f}",
            f"{one.second_f1:.4f}",
            f"{difference:+.4f}",
            f"{low:+.4f} to {high:+.4f}",
            better,
        )
    return table
