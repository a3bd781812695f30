"""`goldloop tagger vectors`: word vectors that somebody learned, as a file for training."""

from pathlib import Path

import click

from ml_backend.cli.terminal import bars
from ml_backend.training import kiwi
from ml_backend.training.dictionaries import DictionaryError


@click.command()
@click.argument("source", type=click.Choice(["kiwi"]))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def vectors(source: str, out: Path) -> None:
    """Write the word vectors of SOURCE in the text form of word2vec.

    Train with `--vectors FILE`. kiwi (Korean) comes with the package kiwipiepy.
    """
    try:
        with bars() as progress:
            task = progress.add_task(source, total=kiwi.LANDMARKS)
            count = kiwi.write_vectors(
                out, watch=lambda done: progress.update(task, completed=done)
            )
    except DictionaryError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    click.echo(f"{count} words written to {out}; train with --vectors {out}")
