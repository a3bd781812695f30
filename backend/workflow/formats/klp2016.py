"""KLP 2016: the text after `;`, the marked text after `$`, then rows of morphemes.

    ; 한석규가 운영하는 …
    $<한석규:PS>가 운영하는 …
    1	한석규	NNP	B_PS

Text and entities are those of the two headers. A literal `<` is not escaped: the plain text tells
it from markup. The rows are not read, since their morphemes need not spell the text.
"""

from collections.abc import Iterator

from backend.workflow.formats import checks
from backend.workflow.formats.blocks import Block, blocks
from backend.workflow.formats.markup import MarkupError, align
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "klp2016"
DESCRIPTION = "KLP 2016: ; text, $ marked text, then rows of morphemes"
EXTENSIONS = (".txt",)
_TEXT, _MARKED = "; ", "$"


def detect(head: str, name: str) -> float:
    """Sure of a line of `; ` over one of `$`."""
    lines = [line for line in head.split("\n") if line.strip()][:2]
    sound = len(lines) == 2 and lines[0].startswith(_TEXT) and lines[1].startswith(_MARKED)
    return 1.0 if sound else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of the headers, in order; one whose headers do not fit together is refused."""
    for block in blocks(source.lines(), _begins):
        yield _document(source.name, block)


def _begins(line: str, before: list[str]) -> bool:
    return len(before) > 2 and line.startswith(_TEXT)


def _document(name: str, block: Block) -> DocumentRecord | RefusedLine:
    for place, sign in enumerate((_TEXT, _MARKED)):
        if len(block.lines) <= place or not block.lines[place].startswith(sign):
            reason = f"line {place + 1} of a document must begin with {sign!r}"
            at = block.line + min(place, len(block.lines) - 1)
            return RefusedLine(name, at, reason, block.raw)
    text = block.lines[0].removeprefix(_TEXT)
    try:
        entities = align(text, block.lines[1].removeprefix(_MARKED))
    except MarkupError as error:
        return RefusedLine(name, block.line + 1, str(error), block.raw)
    return checks.document(
        file=name,
        line=block.line,
        text=text,
        entities=[entity.to_dict() for entity in entities],
        raw=block.raw,
    )
