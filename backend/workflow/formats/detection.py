"""Which format a file is in, told from its beginning; what is ambiguous is asked, not guessed."""

from collections.abc import Sequence

from backend.errors import InvalidInputError
from backend.workflow.formats import brat, parquet
from backend.workflow.formats.format import Format
from backend.workflow.formats.source import DAMAGED, Source

ENOUGH = 0.05  # below it a format does not come into question
MARGIN = 0.1  # two formats nearer than this are ambiguous
MEMBERS_LOOKED_AT = 20
_PARQUET = b"PAR1"


class UnknownFormatError(InvalidInputError):
    """A file whose format cannot be told."""


def detect(source: Source, formats: Sequence[Format]) -> Format:
    """The one format of a file; raises UnknownFormatError when there is none, or more than one.

    Each format says how sure it is: 1.0 for keys or markers that nothing else has, about 0.5 for
    a shape that others could have by accident, below 0.2 for what anything could be. The name's
    extension counts for a little.
    """
    if source.magic == _PARQUET:
        return parquet
    if source.name.endswith(".txt") and source.beside(".ann") is not None:
        return brat
    head = source.head()
    scores = {format.NAME: _score(format, head, source.name) for format in formats}
    best = max(scores.values())
    if best < ENOUGH:
        raise UnknownFormatError(
            f"{source.name} is in no format known here; `goldloop formats` lists them"
        )
    candidates = [name for name, score in scores.items() if score > max(best - MARGIN, ENOUGH / 2)]
    if len(candidates) > 1:
        raise UnknownFormatError(
            f"{source.name} could be {' or '.join(candidates)}; say which with --format"
        )
    return next(format for format in formats if candidates[0] == format.NAME)


def detect_together(sources: Sequence[Source], formats: Sequence[Format]) -> Format:
    """The one format of an archive's or a folder's members, told from the first of them.

    Members that could be anything (a README) do not count beside those that say what they are.
    Raises InvalidInputError when the members disagree or none can be told.
    """
    found: dict[str, Format] = {}
    why: InvalidInputError | None = None
    for source in sources[:MEMBERS_LOOKED_AT]:
        try:
            format = detect(source, formats)
        except InvalidInputError as error:
            why = error
        except DAMAGED as error:
            why = InvalidInputError(f"{source.name} is damaged: {error}")
        else:
            found[format.NAME] = format
    if len(found) > 1:
        found.pop("text", None)
    if len(found) > 1:
        raise UnknownFormatError(
            f"the members are of several formats, {' and '.join(sorted(found))}: "
            "say which with --format, or import them apart"
        )
    if not found:
        raise why or UnknownFormatError("there is no file in it")
    return next(iter(found.values()))


def _score(format: Format, head: str, name: str) -> float:
    score = format.detect(head, name)
    if score >= ENOUGH and format.EXTENSIONS and name.lower().endswith(format.EXTENSIONS):
        score += MARGIN
    return score
