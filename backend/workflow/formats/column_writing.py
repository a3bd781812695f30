"""Gold as column files: a token, a tab and a tag a line, a blank line after each document.

By character every code point is a token, spaces too, so that the text comes back exactly. By word
(Korean: eojeol) the tokens are what stands between spaces; an entity that begins or ends inside
one is widened to all of it, as Korean corpora tagged by eojeol do, and told as a loss. No column
holds an id, which is told as well.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import accumulate
from typing import BinaryIO, Literal

from backend.workflow.formats.column_layout import DOCUMENT_START
from backend.workflow.formats.format import ExportDocument, Loss
from backend.workflow.formats.losses import held_entities, lost_data, lost_id
from backend.workflow.formats.tag_schemes import SchemeName, Span, TagScheme
from ml_backend.contract.entity import Entity

Kind = Literal["characters", "words"]


def write(
    documents: Iterable[ExportDocument], out: BinaryIO, kind: Kind, scheme: SchemeName
) -> Iterator[Loss]:
    """Write documents in one kind and scheme; what the columns cannot hold is told."""
    tag_scheme = TagScheme(scheme)
    first = True
    for document in documents:
        if reason := _why_not_text(document.text, kind):
            yield Loss(document.id, None, reason)
            continue
        yield from lost_id(document, "a column file")
        yield from lost_data(document, "a column file")
        entities = yield from held_entities(document, _why_not_label)
        if kind == "characters":
            tokens = list(document.text)
            spans = [(entity.start, entity.end, entity.label) for entity in entities]
        else:
            tokens = document.text.split(" ")
            spans = yield from _word_spans(document, entities, tokens)
        tags = tag_scheme.encode(spans, len(tokens))
        rows = [f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)]
        if first and rows[0].startswith("\ufeff"):
            rows.insert(0, "\ufeff")  # the text's own would be taken for a byte-order mark
        out.write("".join([*rows, "\n"]).encode())
        first = False


def _why_not_text(text: str, kind: Kind) -> str | None:
    if "\n" in text:
        return "left out: the text holds a new line, which ends a row"
    if kind == "words":
        if "" in text.split(" "):
            return "left out: spaces at an end or several in a row are lost between words"
        if "\t" in text:
            return "left out: the text holds a tab, which ends a column"
        if text == DOCUMENT_START:
            return f"left out: {DOCUMENT_START} alone is no document to whoever reads it"
    return None


def _why_not_label(label: str) -> str | None:
    if label != label.strip() or "\t" in label or "\n" in label:
        return "the label holds a tab or a new line, or white space at an end"
    return None


def _word_spans(
    document: ExportDocument, entities: Iterable[Entity], tokens: list[str]
) -> Generator[Loss, None, list[Span]]:
    """The words of each entity; of two that meet in one word, the first is kept."""
    ends = list(accumulate(len(token) + 1 for token in tokens))  # each with the space after it
    spans: list[Span] = []
    word = 0
    for entity in entities:
        inner = document.text[entity.start : entity.end].strip(" ")
        if not inner:
            yield Loss(document.id, entity, "it holds nothing but spaces, which are no words")
            continue
        first = document.text.index(inner, entity.start)
        while ends[word] <= first:
            word += 1
        last = word
        while ends[last] < first + len(inner):
            last += 1
        if spans and spans[-1][1] > word:
            yield Loss(document.id, entity, f"another entity is in the same word {tokens[word]!r}")
            continue
        start, end = ends[word] - len(tokens[word]) - 1, ends[last] - 1
        if (start, end) != (entity.start, entity.end):
            where = "begins" if entity.start != start else "ends"
            whole = document.text[start:end]
            yield Loss(document.id, entity, f"{where} inside a word: written as {whole!r}")
        spans.append((word, last + 1, entity.label))
    return spans
