"""Column files: a token and its tag a line, a blank line after each document (CoNLL).

What a file does not say is how its tokens stood in the text. So there are two kinds: by
character, tokens joined with nothing between them (Weibo, MSRA, People's Daily, KLUE's rows), and
by word, joined by one space (CoNLL-2003, Korean by eojeol). Detection takes a file for the first
where nine tokens in ten are one character, for the second otherwise, and asks where longer
tokens are Chinese: `--format` names the kind. Scheme, separator and columns are always found.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from backend.workflow.formats import checks
from backend.workflow.formats.blocks import Block, blocks
from backend.workflow.formats.column_layout import (
    Layout,
    RowError,
    Survey,
    is_comment,
    is_document_start,
    survey,
    without_comment,
)
from backend.workflow.formats.column_writing import Kind
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from backend.workflow.formats.tag_schemes import (
    SchemeName,
    Span,
    Tag,
    TagError,
    TagScheme,
    read_tag,
)
from ml_backend.contract.entity import Entity

EXTENSIONS = (".conll", ".bio", ".tsv", ".txt")
_SURVEYED = 1 << 18  # bytes of a file by which scheme and layout are told
_SINGLE = 0.9  # share of tokens of one character
_ROWS, _SOUND = 0.9, 0.5  # shares of lines and of sentences that must be sound to detect it
_CERTAIN, _EITHER = 0.9, 0.6


def detect(head: str, kind: Kind, schemes: tuple[SchemeName, ...]) -> float:
    """How sure it is that a file is a column file of this kind and one of these schemes."""
    found = _survey(head)
    if found is not None and found.kind is not None:
        return _CERTAIN if (found.kind, found.scheme.name in schemes) == (kind, True) else 0.0
    if found is None or found.rows < _ROWS or found.sound < _SOUND or found.counted:
        return 0.0
    if found.scheme.name not in schemes:
        return 0.0
    if found.single < _SINGLE and found.han > 0.5:
        return _EITHER
    return _CERTAIN if (found.single >= _SINGLE) == (kind == "characters") else 0.0


def read(source: Source, kind: Kind) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of a column file, in order.

    A sentence whose tags contradict the file's scheme is refused.
    """
    found = _survey(source.head(_SURVEYED))
    if found is None:
        yield RefusedLine(source.name, 0, "this is no file of tokens and tags in columns")
        return
    if kind == "words":
        found = replace(found, layout=replace(found.layout, segments=False))
    for block in blocks(source.lines()):
        if is_document_start(block.lines[0], len(block.lines)):
            block = replace(block, line=block.line + 1, lines=block.lines[1:])
        if block.lines:
            yield _document(source.name, block, found, kind)


def tagged_tokens(
    lines: Sequence[str], layout: Layout, scheme: TagScheme
) -> tuple[list[str], list[Span]]:
    """The tokens of a block of rows and its entities as spans of them.

    Raises RowError for a line that is no row and for a tag that may not stand where it does.
    """
    tokens, texts = layout.rows(lines)
    tags: list[Tag] = []
    try:
        for text in texts:
            tags.append(read_tag(text))
        return tokens, scheme.decode(tags)
    except TagError as error:
        place = len(tags) if len(tags) < len(texts) else min(error.place, len(texts) - 1)
        raise RowError(str(error), place) from error


def entities_of(tokens: list[str], spans: Iterable[Span], gap: int) -> list[Entity]:
    """Spans of tokens as entities of the text in which `gap` characters stand between tokens."""
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + gap)
    return [Entity(starts[start], starts[end] - gap, label) for start, end, label in spans]


@lru_cache(maxsize=2)
def _survey(head: str) -> Survey | None:
    """Every kind and scheme asks about the same beginning. Its last line may be cut and is left
    out if there are others.
    """
    lines = [line.removesuffix("\r") for line in head.split("\n")]
    return survey(lines[:-1] if len(lines) > 2 else lines)


def _document(name: str, block: Block, found: Survey, kind: Kind) -> DocumentRecord | RefusedLine:
    joiner = "" if kind == "characters" else " "
    raw = "\n".join([found.comment(kind), *without_comment(block.lines)])
    if block.cut:
        reason = f"more than {len(block.lines) - 1} rows without a blank line"
        return RefusedLine(name, block.line, reason, raw)
    comments = sum(map(is_comment, block.lines))
    lines = [line for line in block.lines if not is_comment(line)] if comments else block.lines
    try:
        tokens, spans = tagged_tokens(lines, found.layout, found.scheme)
    except RowError as error:
        at = block.line + min(error.place + comments, len(block.lines) - 1)
        return RefusedLine(name, at, str(error), raw)
    return checks.document(
        file=name,
        line=block.line,
        text=joiner.join(tokens),
        entities=[entity.to_dict() for entity in entities_of(tokens, spans, len(joiner))],
        raw=raw,
    )
