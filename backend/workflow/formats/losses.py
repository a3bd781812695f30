"""What several formats cannot hold, told in the same words."""

from collections.abc import Callable, Generator, Iterator

from backend.workflow.formats.format import ExportDocument, Loss
from ml_backend.contract.entity import Entity, first_overlap


def lost_meta(document: ExportDocument, format: str) -> Iterator[Loss]:
    """For formats without a place for meta."""
    if document.meta:
        yield Loss(document.id, None, f"{format} has no place for meta")


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
