"""Tags over characters: what a chain head predicts, derived from entities and thrown away.

BIOES gives each entity a begin, an end and what is inside, or one single tag; BIO has no end.
The tags are ordered so that those which any finished entity may precede come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.entity import Entity, first_overlap
from ml_backend.contract.label_set import LabelSet

SchemeName = Literal["BIO", "BIOES"]
Span = tuple[int, int, str]

_ORDER = {"BIO": "BOI", "BIOES": "BOSEI"}
_OPEN = {"BIO": "OB", "BIOES": "OBS"}  # may follow a finished entity


@dataclass(frozen=True)
class Scheme:
    """The tags of a label set under BIO or BIOES; a tag's id is its place in `tags`.

    A tag is a pair of kind and label, so labels may hold `-`, `/`, spaces or anything else.
    """

    name: SchemeName
    labels: LabelSet

    def __post_init__(self) -> None:
        if self.name not in _ORDER:
            raise ValueError(f"the tagging scheme must be BIO or BIOES, not {self.name!r}")

    @cached_property
    def tags(self) -> list[tuple[str, str]]:
        """Every (kind, label), the label empty for O."""
        return [
            (kind, label)
            for kind in _ORDER[self.name]
            for label in ([""] if kind == "O" else self.labels)
        ]

    def legal_transitions(self) -> list[list[bool]]:
        """Whether tag j may follow tag i, as `[i][j]`."""
        return [[self._may_follow(left, right) for right in self.tags] for left in self.tags]

    def legal_starts(self) -> list[bool]:
        """Whether a text may begin with the tag."""
        return [kind in _OPEN[self.name] for kind, _ in self.tags]

    def legal_ends(self) -> list[bool]:
        """Whether a text may end with the tag."""
        return [self._may_end(kind) for kind, _ in self.tags]

    def goes_on(self) -> list[list[bool]]:
        """Whether tag j continues the entity that tag i belongs to, as `[i][j]`."""
        return [
            [left[1] == right[1] != "" and right[0] in "IE" for right in self.tags]
            for left in self.tags
        ]

    def encode(self, entities: Sequence[Entity], length: int) -> list[int]:
        """The tag id of each of a text's characters.

        Raises ValueError for entities that overlap, lie outside, or have an unknown label.
        """
        ordered = sorted(entities)
        overlap = first_overlap(ordered)
        if overlap is not None:
            raise ValueError(f"{overlap[0].key} and {overlap[1].key} overlap")
        result = [self._ids["O", ""]] * length
        for entity in ordered:
            if not 0 <= entity.start < entity.end <= length or entity.label not in self.labels:
                raise ValueError(f"{entity.key} is no entity of {length} characters and this set")
            width = entity.end - entity.start
            result[entity.start : entity.end] = self.encode_entity(entity.label, width)
        return result

    def encode_entity(self, label: str, width: int) -> list[int]:
        """The tag ids of an entity of so many characters; raises KeyError for an unknown label."""
        return [self._ids[kind, label] for kind in self._kinds(width)]

    def decode(self, ids: Sequence[int]) -> list[Span]:
        """The (start, end, label) of each entity in a legal sequence of tag ids, in order.

        Raises ValueError for a sequence that the scheme does not allow.
        """
        path = np.asarray(ids, dtype=np.intp)
        legal, opens, closes, begins, inside = self._rules
        wrong = (~legal[path[:-1], path[1:]]).nonzero()[0]
        if len(wrong):
            left, right = (self.tags[tag] for tag in path[wrong[0] :][:2])
            raise ValueError(f"{right} at {wrong[0] + 1} may not follow {left}")
        if len(path) and not (opens[path[0]] and closes[path[-1]]):
            left, right = self.tags[path[0]], self.tags[path[-1]]
            raise ValueError(f"a text may not begin with {left} or may not end with {right}")
        starts = begins[path].nonzero()[0]
        after = np.append((~inside[path]).nonzero()[0], len(path))  # where no entity goes on
        ends = after[after.searchsorted(starts, side="right")]
        return [
            (start, end, self.tags[path[start]][1])
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    @cached_property
    def _rules(self) -> tuple[NDArray[np.bool_], ...]:
        """Legal transitions, starts, ends; tags that begin an entity, and that go on with one."""
        kinds = [kind for kind, _ in self.tags]
        return (
            np.array(self.legal_transitions()),
            np.array(self.legal_starts()),
            np.array(self.legal_ends()),
            np.array([kind in "BS" for kind in kinds]),
            np.array([kind in "IE" for kind in kinds]),
        )

    @cached_property
    def _ids(self) -> dict[tuple[str, str], int]:
        return {tag: number for number, tag in enumerate(self.tags)}

    def _kinds(self, length: int) -> str:
        if self.name == "BIO":
            return "B" + "I" * (length - 1)
        return "S" if length == 1 else "B" + "I" * (length - 2) + "E"

    def _may_follow(self, left: tuple[str, str], right: tuple[str, str]) -> bool:
        if right[0] in "IE":
            return left[0] in "BI" and left[1] == right[1]
        return self._may_end(left[0])

    def _may_end(self, kind: str) -> bool:
        return self.name == "BIO" or kind in "OES"
