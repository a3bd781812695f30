"""What gold's labels are called on the way to training and release: renamed and merged, never
rewritten.

Renaming says that two names mean one label: gold that speaks of either speaks of it. Merging puts
several labels into one coarser: gold that was not annotated with one of them is silent about a
part of what it means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from backend.errors import InvalidInputError
from ml_backend.contract.entity import Entity

LONGEST_LABEL = 200  # characters


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Label in gold → what it becomes, in `targets`; no target is itself mapped.

    `names` are the mapped labels that only have another name, each with that name.
    """

    targets: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chained = sorted(set(self.targets.values()) & self.targets.keys())
        assert not chained, f"both mapped and a target: {', '.join(chained)}"
        assert all(self.of(name) == self.of(label) for label, name in self.names.items())

    def of(self, label: str) -> str:
        """What a label becomes; itself where nothing was said of it."""
        return self.targets.get(label, label)

    def apply(self, entities: Iterable[Entity]) -> list[Entity]:
        """Entities with what their labels become, sorted; what has become one is there once."""
        if not self.targets:
            return sorted(entities)
        found = {
            replace(entity, label=self.targets[entity.label])
            if entity.label in self.targets
            else entity
            for entity in entities
        }
        return sorted(found)

    def rename(self, label: str, name: str) -> "LabelMap":
        """The mapping in which a label, and all that became it, has another name.

        A name that another label has already makes both the same. Raises InvalidInputError for a
        label that is mapped itself, or a name that it has.
        """
        targets, goal = self._pointed(label, name)
        names = {one: goal if its == label else its for one, its in self.names.items()}
        names[label] = goal
        return LabelMap(targets, {one: its for one, its in names.items() if one in targets})

    def merge(self, label: str, into: str) -> "LabelMap":
        """The mapping in which a label, and all that became it, is a part of another.

        Raises InvalidInputError as `rename` does.
        """
        targets, _ = self._pointed(label, into)
        return LabelMap(targets, {one: its for one, its in self.names.items() if one in targets})

    def meanings(self, labels: Iterable[str]) -> dict[str, list[set[str]]]:
        """What each target stands for: sets of names that mean the same, of these labels."""
        found: dict[str, dict[str, set[str]]] = {}
        for label in labels:
            same = self.names.get(label, label)
            found.setdefault(self.of(label), {}).setdefault(same, set()).add(label)
        return {target: list(same.values()) for target, same in found.items()}

    def _pointed(self, label: str, target: str) -> tuple[dict[str, str], str]:
        """The targets once a label has become another, and what that is.

        To map back onto one of its own parts gives that its name back.
        """
        for name in (label, target):
            if not name or name != name.strip() or len(name) > LONGEST_LABEL:
                raise InvalidInputError(f"{name!r} cannot be a label")
        if label in self.targets:
            raise InvalidInputError(
                f"{label!r} is {self.of(label)!r} already: map that, or restore a mapping before it"
            )
        if label == target:
            raise InvalidInputError(f"{label!r} has that name")
        goal = self.of(target)
        if goal == label:
            goal = target
        moved = {one for one, its in self.targets.items() if its == label} | {label}
        targets = {**self.targets, **dict.fromkeys(sorted(moved), goal)}
        targets.pop(goal, None)
        return targets, goal
