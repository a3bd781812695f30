"""The labels of a project, in a fixed order, named by a hash."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Distinct, non-empty label names; the order is the order of the tag ids derived from it.

    Raises ValueError for an empty set, an empty name or a name given twice.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.labels:
            raise ValueError("a label set needs at least one label")
        if any(not label or label != label.strip() for label in self.labels):
            raise ValueError(f"empty or padded label name in {self.labels}")
        twice = {label for label in self.labels if self.labels.count(label) > 1}
        if twice:
            raise ValueError(f"labels given twice: {', '.join(sorted(twice))}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    @property
    def digest(self) -> str:
        """SHA-256 of the labels in order, hexadecimal."""
        return hashlib.sha256(json.dumps(self.labels, ensure_ascii=False).encode()).hexdigest()
