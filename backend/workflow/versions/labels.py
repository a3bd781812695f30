"""The labels that a version was trained with: kept with its figures, because rules change.

`labels` in a version's figures: `{"trained": [...], "mapping": {label in gold: label trained},
"left_out": {label: gold entities it had}}`. Versions older than the rules have none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.db.tables import Version
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import shown_as
from ml_backend.contract.snapshot import Manifest


@dataclass(frozen=True, slots=True)
class VersionLabels:
    """What a version can say, and what gold's labels were called when it learned."""

    trained: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def known(self, labels: Iterable[str]) -> frozenset[str]:
        """Those of gold's labels that it learned, under whatever name."""
        return frozenset(one for one in labels if self.mapping.get(one, one) in self.trained)

    def in_gold(self, labels: Collection[str]) -> dict[str, str]:
        """Trained label → what gold with these labels calls it, where that differs."""
        return shown_as(self.mapping, labels)

    def called(self, label: str, now: "VersionLabels") -> str:
        """What one of its labels is called by a later version, or by what is trained now."""
        if label not in now.trained and label not in now.mapping:
            label = next((one for one, its in self.mapping.items() if its == label), label)
        return now.mapping.get(label, label)

    def to_dict(self) -> dict[str, Any]:
        return {
            "trained": list(self.trained),
            "mapping": dict(self.mapping),
            "left_out": dict(self.left_out),
        }


def labels_of(version: Version) -> VersionLabels:
    """What is kept with a version."""
    kept = (version.figures or {}).get("labels") or {}
    return VersionLabels(
        tuple(kept.get("trained", ())), kept.get("mapping", {}), kept.get("left_out", {})
    )


def labels_of_snapshot(manifest: Manifest) -> VersionLabels:
    """What a version trained on a snapshot knows."""
    return VersionLabels(tuple(manifest.labels), manifest.mapping, manifest.left_out)


def under_labels_of(
    now: VersionLabels, before: VersionLabels, predictions: Sequence[Sequence[Entity]]
) -> list[list[Entity]]:
    """An earlier version's predictions under the labels of now; what has none now is left out."""
    return [
        [
            replace(entity, label=label)
            for entity in entities
            if (label := before.called(entity.label, now)) in now.trained
        ]
        for entities in predictions
    ]
