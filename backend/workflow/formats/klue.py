"""KLUE-NER: a header with id and marked text, then a row for every character and its BIO tag.

    ## klue-ner-v1_dev_00000-wikitree	<경찰:OG>은 또 …
    경	B-OG
    찰	I-OG

The rows are the document: they spell the text character by character, spaces included, they are
what the benchmark is scored on, and the file itself calls `##` a comment. Where the header's
markup says something else (three times in the development file) the rows are taken, the import
tells it, and the header is kept in the document's meta for a curator to see.
"""

from collections.abc import Iterator

from backend.workflow.formats import checks
from backend.workflow.formats.blocks import Block, blocks
from backend.workflow.formats.column_layout import Layout, RowError
from backend.workflow.formats.columns import entities_of, tagged_tokens
from backend.workflow.formats.markup import MarkupError, align
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from backend.workflow.formats.tag_schemes import TagScheme
from ml_backend.contract.entity import Entity

NAME = "klue"
DESCRIPTION = "KLUE-NER: ## id and marked text, then character and tag a line"
EXTENSIONS = (".tsv", ".txt")
_COMMENT = "## "
_LAYOUT = Layout("\t", 2)
_SCHEME = TagScheme("BIO")
_LINES = 50  # of the head that may be comments before the first document


def detect(head: str, name: str) -> float:
    """Sure of comments, the last of them an id with markup, over rows."""
    lines = [line for line in head.split("\n") if line.strip()][:_LINES]
    if not lines or not lines[0].startswith(_COMMENT):
        return 0.0
    rows = [line for line in lines if not line.startswith(_COMMENT)]
    header = any(_is_header(line) for line in lines[: len(lines) - len(rows)])
    return 1.0 if header and rows and rows[0].count("\t") == 1 else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of the rows, in order; `note` tells where a header says otherwise."""
    for block in blocks(source.lines(), _begins):
        if any(not line.startswith(_COMMENT) for line in block.lines):
            yield _document(source.name, block)


def _is_header(line: str) -> bool:
    return line.startswith(_COMMENT) and "\t" in line


def _begins(line: str, before: list[str]) -> bool:
    return line.startswith(_COMMENT) and not before[-1].startswith(_COMMENT)


def _document(name: str, block: Block) -> DocumentRecord | RefusedLine:
    rows = [line for line in block.lines if not line.startswith(_COMMENT)]
    comments = block.lines[: len(block.lines) - len(rows)]
    header = comments[-1] if comments else ""
    if block.cut or not header:
        reason = "too many rows without a blank line" if block.cut else "rows without a header"
        return RefusedLine(name, block.line, reason, block.raw)
    try:
        tokens, spans = tagged_tokens(rows, _LAYOUT, _SCHEME)
    except RowError as error:
        return RefusedLine(name, block.line + len(comments) + error.place, str(error), block.raw)
    text = "".join(tokens)
    entities = entities_of(tokens, spans, gap=0)
    external_id, _, marked = header.removeprefix(_COMMENT).partition("\t")
    differs = _difference(text, entities, marked)
    return checks.document(
        file=name,
        line=block.line,
        text=text,
        external_id=external_id,
        entities=[entity.to_dict() for entity in entities],
        meta={"header": marked} if differs else {},
        note=f"the header says otherwise than the rows, which are taken: {differs}"
        if differs
        else None,
        raw=block.raw,
    )


def _difference(text: str, entities: list[Entity], marked: str) -> str | None:
    """What the header says otherwise than the rows, None when they agree."""
    try:
        stated = align(text, marked)
    except MarkupError as error:
        return str(error)
    only_header = sorted(set(stated) - set(entities))
    only_rows = sorted(set(entities) - set(stated))
    parts = [("only in the header", only_header), ("only in the rows", only_rows)]
    return "; ".join(f"{where}: {_listed(found, text)}" for where, found in parts if found) or None


def _listed(entities: list[Entity], text: str) -> str:
    return ", ".join(f"<{text[one.start : one.end]}:{one.label}>" for one in entities)
