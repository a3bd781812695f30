"""What several formats cannot hold, told in the same words."""

from collections.abc import Callable, Generator, Iterator

from backend.workflow.formats.format import ExportDocument, Loss
from backend.workflow.formats.naming import is_named_by_text
from ml_backend.contract.entity import Entity, first_overlap


def lost_id(document: ExportDocument, format: str) -> Iterator[Loss]:
    """For formats without a place for ids; a document named by its text has none to lose."""
    if not is_named_by_text(document.id, document.text):
        yield Loss(document.id, None, f"{format} has no place for an id", beside=True)


def lost_data(document: ExportDocument, format: str) -> Iterator[Loss]:
    """For formats that hold nothing but texts and entities, and ids perhaps."""
    if document.meta:
        yield Loss(document.id, None, f"{format} has no place for meta", beside=True)
    if document.not_annotated:
        reason = f"{format} has no place for what was not annotated; importing it, give --labels"
        yield Loss(document.id, None, reason, beside=True)


def held_entities(
    document: ExportDocument, why_not: Callable[[str], str | None] = lambda label: None
) -> Generator[Loss, None, list[Entity]]:
    """The entities of a document that overlap none before them and whose label can be written.

    `why_not(label)` is the reason why a format cannot write a label. Of entities that overlap,
    the one that begins first is kept, then the longest.
    """
    if not any(map(why_not, {entity.label for entity in document.entities})):
        ordered = sorted(document.entities)
        if first_overlap(ordered) is None:
            return ordered
    kept: list[Entity] = []
    for entity in sorted(document.entities, key=lambda one: (one.start, -one.end, one.label)):
        if reason := why_not(entity.label):
            yield Loss(document.id, entity, reason)
        elif kept and kept[-1].overlaps(entity):
            other = kept[-1]
            yield Loss(
                document.id,
                entity,
                f"overlaps [{other.start}, {other.end}) {other.label!r}, which is kept",
            )
        else:
            kept.append(entity)
    return kept
