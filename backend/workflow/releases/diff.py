"""What changed from one release to another: documents, entities by label, labels, mapping."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.workflow.correct import Changes, changes
from backend.workflow.releases.manifest import Manifest, read_manifest
from backend.workflow.releases.read import ReleasedDocument, order_of, released_documents
from ml_backend.contract.entity import Entity

KINDS = ("kept", "added", "removed", "moved", "relabelled")

Change = dict[str, Any]


@dataclass(slots=True)
class Difference:
    """`changed` has one record a document, `entities` counts by label.

    An entity that was relabelled counts for the label that it had.
    """

    labels: dict[str, list[str]]
    mapping: dict[str, list[str | None]]  # label in gold → what it became before, and becomes now
    left_out: dict[str, list[str]]
    same_gold: bool
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0
    entities: dict[str, dict[str, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "same_gold": self.same_gold,
            "labels": self.labels,
            "left_out": self.left_out,
            "mapping": self.mapping,
            "documents": {
                "added": self.added,
                "removed": self.removed,
                "changed": self.changed,
                "unchanged": self.unchanged,
            },
            "entities": dict(sorted(self.entities.items())),
        }


def difference(
    before: Path, after: Path, advance: Callable[[int], None] = lambda documents: None
) -> Difference:
    """Compare two releases' folders, reading each once; raises InvalidInputError.

    `advance` hears how many more documents, of both, have been read.
    """
    old, new = read_manifest(before), read_manifest(after)
    found = Difference(
        labels=_gone_and_come(old, new, "labels"),
        left_out=_gone_and_come(old, new, "left_out"),
        mapping=_mapping(old["mapping"], new["mapping"]),
        same_gold=old["digest"] == new["digest"],
    )
    counts: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for one, other in _side_by_side(released_documents(before), released_documents(after)):
        advance((one is not None) + (other is not None))
        if one is None:
            assert other is not None
            found.added.append(other.id)
        elif other is None:
            found.removed.append(one.id)
        became = _entity_changes(one, other)
        for change in became:
            counts[change["label"]][change["change"]] += 1
        if one is not None and other is not None:
            its = _document_change(one, other, became)
            if its is None:
                found.unchanged += 1
            else:
                found.changed.append(its)
    found.entities = dict(counts)
    return found


def _side_by_side(
    old: Iterator[ReleasedDocument], new: Iterator[ReleasedDocument]
) -> Iterator[tuple[ReleasedDocument | None, ReleasedDocument | None]]:
    one, other = next(old, None), next(new, None)
    while one is not None or other is not None:
        if other is None or (one is not None and order_of(one) < order_of(other)):
            yield one, None
            one = next(old, None)
        elif one is None or order_of(other) < order_of(one):
            yield None, other
            other = next(new, None)
        else:
            yield one, other
            one, other = next(old, None), next(new, None)


def _document_change(
    one: ReleasedDocument, other: ReleasedDocument, became: list[Change]
) -> Change | None:
    """What changed in one document; None when nothing did."""
    its: Change = {"id": one.id}
    if one.split != other.split:
        its["split"] = [one.split, other.split]
    for key in ("text", "not_annotated", "meta"):
        if one.record.get(key) != other.record.get(key):
            its[key] = [one.record.get(key), other.record.get(key)]
    entities = [change for change in became if change["change"] != "kept"]
    if entities:
        its["entities"] = entities
    return its if len(its) > 1 else None


def _entity_changes(one: ReleasedDocument | None, other: ReleasedDocument | None) -> list[Change]:
    """What became of each entity, in the order of the text; nothing is kept in another text."""
    old = one.entities if one is not None else []
    new = other.entities if other is not None else []
    if one is not None and other is not None and one.record["text"] == other.record["text"]:
        found = changes(old, new)
    else:
        found = Changes(kept=[], added=new, removed=old, moved=[], relabelled=[])
    told = [
        *(_told("kept", entity) for entity in found.kept),
        *(_told("added", entity) for entity in found.added),
        *(_told("removed", entity) for entity in found.removed),
        *(_told("moved", was, to=[now.start, now.end]) for was, now in found.moved),
        *(_told("relabelled", was, to=now.label) for was, now in found.relabelled),
    ]
    return sorted(told, key=lambda change: (change["start"], change["end"], change["label"]))


def _told(change: str, entity: Entity, **more: Any) -> Change:
    its = {"label": entity.label, "start": entity.start, "end": entity.end}
    return {"change": change, **its, **more}


def _gone_and_come(old: Manifest, new: Manifest, key: str) -> dict[str, list[str]]:
    return {
        "added": sorted(set(new[key]) - set(old[key])),
        "removed": sorted(set(old[key]) - set(new[key])),
    }


def _mapping(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str | None]]:
    return {
        label: [old.get(label), new.get(label)]
        for label in sorted(old.keys() | new.keys())
        if old.get(label) != new.get(label)
    }
