"""The simulated person: makes gold of what is on the page, and counts what that takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.workflow.correct import compare
from backend.workflow.selection.cost import CostModel
from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class Work:
    """What a person did: documents read, gold entities in them, and how each came to be.

    A pre-label was accepted (`kept`), deleted (`removed`), given other boundaries (`moved`) or
    another label (`relabelled`); an entity without one was `added`. What has both other
    boundaries and another label is deleted and added, as a person does it.
    """

    documents: int = 0
    entities: int = 0
    kept: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    relabelled: int = 0
    seconds: float = 0.0

    @property
    def edits(self) -> int:
        """What had to be done by hand; on an empty page every entity has."""
        return self.added + self.removed + self.moved + self.relabelled

    def __add__(self, other: "Work") -> "Work":
        return Work(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def annotate(
    length: int, gold: Sequence[Entity], prelabels: Sequence[Entity], person: CostModel
) -> Work:
    """What a text of so many characters takes from these pre-labels to its gold."""
    found = compare(prelabels, gold)
    edits = found.added + found.removed + found.moved + found.relabelled
    return Work(
        documents=1,
        entities=len(set(gold)),
        kept=found.kept,
        added=found.added,
        removed=found.removed,
        moved=found.moved,
        relabelled=found.relabelled,
        seconds=float(person.seconds(length, len(set(gold)), edits)),
    )
