"""`goldloop tagger gazetteer`: a dictionary that somebody keeps, as a file for training."""

from pathlib import Path

import click

from ml_backend.training.dictionaries import DICTIONARIES, DictionaryError, write_gazetteer


@click.command()
@click.argument("dictionary", type=click.Choice(list(DICTIONARIES)))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def gazetteer(dictionary: str, out: Path) -> None:
    """Write the words of DICTIONARY by their kind, a surface, a tab and a kind a line.

    Train with `--set gazetteer=FILE`. mecab-ko (Korean) comes with the package pecab, jieba
    (Chinese) with jieba.
    """
    try:
        count = write_gazetteer(dictionary, out)
    except DictionaryError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    click.echo(f"{count} entries written to {out}; train with --set gazetteer={out}")
