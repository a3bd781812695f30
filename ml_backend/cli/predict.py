"""`goldloop tagger predict`: texts in, one JSON line out for each, in order."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from ml_backend.cli.lines import Format, TextLine, read_lines
from ml_backend.cli.terminal import MistakeError, bars, sentences, tell_refused
from ml_backend.tagger.loading import TextTagger, load_tagger
from ml_backend.training.files import FileError, RefusedLine

_STDIN = Path("-")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    help="a tagger's folder",
    metavar="DIR",
)
@click.option(
    "--batch-size",
    default=256,
    type=click.IntRange(1),
    help="lines read, tagged and written at once",
)
@click.option(
    "--format",
    "form",
    default="auto",
    type=click.Choice(["auto", "jsonl", "plain"]),
    help="auto: by the file's name, or else by its first line",
)
def predict(files: tuple[Path, ...], model: Path, batch_size: int, form: Format) -> None:
    """Tag FILES, or what comes in: JSON Lines with a "text", or plain lines, each a text.

    Each line gives one JSON line, in order: its text and, where given, its id and group, the
    entities with their probabilities, and the confidence that all of them are right and none is
    missing. A line that cannot be read gives one with its "file", "line" and "error".
    """
    with sentences(), bars() as bar:
        tagger = load_tagger(model)
        asked = files or (_STDIN,)
        shown = bar.add_task("tagging", total=None if bar.disable else _how_many(asked))
        lines = _lines(asked, form)
        refused: list[RefusedLine] = []
        done = 0
        while block := list(islice(lines, batch_size)):
            for record in _tagged(tagger, block):
                sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
            sys.stdout.buffer.flush()
            refused += [line for line in block if isinstance(line, RefusedLine)]
            done += len(block)
            bar.advance(shown, len(block))
        bar.update(shown, total=done)
        tell_refused(refused)
        if refused and len(refused) == done:
            raise MistakeError("no line can be used")


def _lines(files: Sequence[Path], form: Format) -> Iterator[TextLine | RefusedLine]:
    for path in files:
        with ExitStack() as stack:
            yield from read_lines(_opened(path, stack), str(path), form)


def _how_many(files: Sequence[Path]) -> int | None:
    """The lines of all files, None where one of them can be read only once."""
    lines = 0
    with ExitStack() as stack:
        for path in files:
            file = _opened(path, stack)
            if not file.seekable():
                return None
            start = file.tell()
            while block := file.read(1 << 20):
                lines += block.count(b"\n")
            file.seek(start)
    return lines


def _opened(path: Path, stack: ExitStack) -> BinaryIO:
    if path == _STDIN:
        return sys.stdin.buffer
    try:
        return stack.enter_context(path.open("rb"))
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error


def _tagged(
    tagger: TextTagger, block: Sequence[TextLine | RefusedLine]
) -> Iterator[dict[str, Any]]:
    """One record a line, in order."""
    texts = [line.text for line in block if isinstance(line, TextLine)]
    predictions = iter(tagger.predict(texts))
    for line in block:
        if isinstance(line, RefusedLine):
            yield {"file": line.file, "line": line.line, "error": line.reason}
            continue
        prediction = next(predictions)
        yield {
            **line.names,
            "text": line.text,
            "entities": [entity.to_dict() for entity in prediction.entities],
            "confidence": prediction.confidence,
        }
