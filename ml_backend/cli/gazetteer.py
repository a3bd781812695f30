"""`goldloop tagger gazetteer`: a dictionary that somebody keeps, as a file for training."""

from pathlib import Path

import click

from ml_backend.training.dictionaries import DICTIONARIES, DictionaryError, write_gazetteer


@click.command()
@click.argument("dictionary", type=click.Choice(list(DICTIONARIES)))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="with jieba: more words as it keeps them (word, count, part of speech a line)",
)
def gazetteer(dictionary: str, out: Path, also: tuple[Path, ...]) -> None:
    """Write the words of DICTIONARY by their kind, a surface, a tab and a kind a line.

    Train with `--gazetteer FILE`. mecab-ko (Korean) comes with the package pecab, jieba (Chinese)
    with jieba.
    """
    if also and dictionary != "jieba":
        raise click.UsageError("--also goes with jieba, whose dictionary has a form of its own")
    try:
        count = write_gazetteer(dictionary, out, also=also)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{', '.join(map(str, also))}: no UTF-8: {error}") from error
    except DictionaryError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    click.echo(f"{count} entries written to {out}; train with --gazetteer {out}")
