"""Positions: what a head labels. Characters as a rule, an encoder's tokens where that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_backend.contract.entity import Entity

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of one text's gold, in positions.

    `missing` labels were not annotated in this text, so their absence says nothing; of the
    `unknown` ranges nothing at all is known. What is outside both and in no entity is O.
    """

    entities: Sequence[Entity]
    missing: frozenset[str] = frozenset()
    unknown: Sequence[Range] = ()
