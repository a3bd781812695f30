"""What a release holds, counted while it is written."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from backend.db.tables import GoldSource
from backend.workflow.releases.provenance import Origin

TOGETHER = 20_000  # different sequences of labels that are remembered

Counts = defaultdict[str, int]


def _none() -> Counts:
    return defaultdict(int)


@dataclass(slots=True)
class SplitCounts:
    """One split: documents, those without any entity, and entities by label."""

    documents: int = 0
    without_entities: int = 0
    labels: Counts = field(default_factory=_none)  # entities
    label_documents: Counts = field(default_factory=_none)  # documents that hold one
    _together: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, labels: Iterable[tuple[str, ...]]) -> None:
        """Count documents by the labels of the entities of each; call `sum_up` at the end."""
        self._together.update(labels)
        if len(self._together) > TOGETHER:
            self.sum_up()

    def sum_up(self) -> None:
        """Count what was added: many documents have the same labels."""
        for labels, documents in self._together.items():
            self.documents += documents
            self.without_entities += documents * (not labels)
            for label in labels:
                self.labels[label] += documents
            for label in set(labels):
                self.label_documents[label] += documents
        self._together.clear()

    @property
    def entities(self) -> int:
        """All entities of the split."""
        return sum(self.labels.values())

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it, in a fixed order."""
        return {
            "documents": self.documents,
            "without_entities": self.without_entities,
            "entities": self.entities,
            "labels": dict(sorted(self.labels.items())),
            "label_documents": dict(sorted(self.label_documents.items())),
        }


@dataclass(slots=True)
class OriginCount:
    """What many documents share."""

    json: bytes
    documents: int = 0
    entities: int = 0


@dataclass(slots=True)
class OriginCounts:
    """Where gold comes from, what is a copy of what, and what was not annotated or not taken."""

    origins: dict[Origin, OriginCount] = field(default_factory=dict)
    copies: int = 0  # documents that are an exact copy of another
    near: int = 0  # documents with a near copy
    not_annotated: Counts = field(default_factory=_none)  # label → documents
    left_out: Counts = field(default_factory=_none)  # label in gold → entities

    def add(self, origin: Origin, entities: int) -> bytes:
        """Count one document; returns its origin as JSON without the braces."""
        its = self.origins.get(origin)
        if its is None:
            its = self.origins[origin] = OriginCount(orjson.dumps(origin.to_dict())[1:-1])
        its.documents += 1
        its.entities += entities
        return its.json

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it: most documents first."""
        return {
            "sources": self._by(lambda origin: origin.source),
            "annotators": self._by(lambda origin: origin.annotator),
            "deciders": self._by(lambda origin: origin.decided_by),
            "files": self._by(lambda origin: origin.file),
            "rules": self._by(
                lambda origin: rule_name(origin) if origin.vouching == GoldSource.RULE else None
            ),
            "people_a_document": self._people(),
            "copies": self.copies,
            "near_copies": self.near,
            "not_annotated": dict(sorted(self.not_annotated.items())),
            "entities_left_out": dict(sorted(self.left_out.items())),
        }

    def _by(self, name: Callable[[Origin], str | None]) -> dict[str, dict[str, int]]:
        found: dict[str, list[int]] = {}
        for origin, count in self.origins.items():
            key = name(origin)
            if key is not None:
                its = found.setdefault(key, [0, 0])
                its[0] += count.documents
                its[1] += count.entities
        order = sorted(found, key=lambda key: (-found[key][0], key))
        return {key: {"documents": found[key][0], "entities": found[key][1]} for key in order}

    def _people(self) -> dict[str, int]:
        found: Counter[int] = Counter()
        for origin, count in self.origins.items():
            if origin.source in (GoldSource.PERSON, GoldSource.DECISION):
                found[origin.people or 0] += count.documents
        return {str(people): found[people] for people in sorted(found)}


def rule_name(origin: Origin) -> str:
    """A rule as people read it: the version, p and δ."""
    version = origin.version or "a version"
    return version if origin.p is None else f"{version}, p = {origin.p:g}, δ = {origin.delta:g}"
