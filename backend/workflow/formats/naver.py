"""Naver's NER challenge: number, eojeol and tag a line, a blank line after each sentence.

    1	비토리오	PER_B
    2	양일	DAT_B

The text is the eojeol joined by one space. A tag covers its whole eojeol, so an entity holds the
particle after the name (`이순신은`): it is imported as the corpus has it, not guessed.
"""

from collections.abc import Iterator

from backend.workflow.formats import checks
from backend.workflow.formats.blocks import Block, blocks
from backend.workflow.formats.column_layout import Layout, RowError, survey
from backend.workflow.formats.columns import entities_of, tagged_tokens
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from backend.workflow.formats.tag_schemes import TagScheme

NAME = "naver"
DESCRIPTION = "Naver NER: number, eojeol, tag (PER_B, PER_I, -) a line"
EXTENSIONS = (".tsv", ".txt")
_LAYOUT = Layout("\t", 3, token=1)
_SCHEME = TagScheme("BIO")
_ROWS = 0.9  # share of lines that must be sound to detect it


def detect(head: str, name: str) -> float:
    """Sure of three columns whose first counts the eojeol."""
    found = survey(head.split("\n")[:-1] or [head])
    if found is None or not found.counted or found.rows < _ROWS:
        return 0.0
    return 1.0 if found.layout == Layout("\t", 3) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The sentences in order; gaps in the numbers and contradicting tags are refused."""
    for block in blocks(source.lines()):
        yield _document(source.name, block)


def _document(name: str, block: Block) -> DocumentRecord | RefusedLine:
    if block.cut:
        return RefusedLine(name, block.line, "too many rows without a blank line", block.raw)
    try:
        _check_numbers(block.lines)
        tokens, spans = tagged_tokens(block.lines, _LAYOUT, _SCHEME)
    except RowError as error:
        return RefusedLine(name, block.line + error.place, str(error), block.raw)
    return checks.document(
        file=name,
        line=block.line,
        text=" ".join(tokens),
        entities=[entity.to_dict() for entity in entities_of(tokens, spans, gap=1)],
        raw=block.raw,
    )


def _check_numbers(lines: list[str]) -> None:
    for place, line in enumerate(lines):
        number = line.partition("\t")[0]
        if number != str(place + 1):
            raise RowError(f"{number!r} stands where eojeol {place + 1} should", place)
