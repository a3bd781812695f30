"""`goldloop sample`: write generated documents with gold to a file."""

from pathlib import Path

import click
import orjson

from backend.commands.progress import if_stopped
from backend.sample.generate import generate
from backend.sample.sentences import Part
from backend.workflow.whole_file import whole_file


@click.command()
@click.option("--documents", type=click.IntRange(min=0), required=True, help="How many to write.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same documents.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    required=True,
    help="The JSON Lines file to write; one that exists is replaced.",
)
@click.option(
    "--part",
    type=click.Choice(["train", "test"]),
    default="train",
    show_default=True,
    help="The test part has other sentences, no copies, and half of its mentions are new.",
)
def sample(documents: int, seed: int, out: Path, part: Part) -> None:
    """Write generated Korean documents with gold entities in the 33 general classes.

    The text is made from templates and word lists: good for trying Goldloop and for its tests,
    no measure of a tagger on real text.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    found = generate(documents, seed=seed, part=part)
    with (
        if_stopped(f"nothing was written to {out}"),
        whole_file(out) as file,
        click.progressbar(
            found, length=documents, label=f"Writing {out.name}", update_min_steps=1000
        ) as bar,
    ):
        for document in bar:
            file.write(orjson.dumps(document.to_dict(), option=orjson.OPT_APPEND_NEWLINE))
    click.echo(f"{documents:,} generated documents ({part} part, seed {seed}) in {out}")
