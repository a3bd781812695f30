"""What a strategy is: a name, a sentence for people, what it needs, and one of two functions."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from backend.workflow.strategies.features import Features, Floats, Indexes


class Need(StrEnum):
    """What must have been made of the candidates before a strategy can choose."""

    SCORES = "scores"
    VECTORS = "vectors"
    GRADIENTS = "gradients"
    DROPOUT = "dropout"


Score = Callable[[Features], Floats]
Pick = Callable[[Features, int], Indexes]


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy; `when` tells people when to use it.

    Exactly one of the functions is there. `score(features) -> (n,)`: higher comes sooner, nan
    last. `pick(features, k) -> (k,)`: indexes in their order, each once, for 0 < k <= n.
    """

    key: str
    title: str
    when: str
    needs: frozenset[Need]
    score: Score | None = None
    pick: Pick | None = None

    def __post_init__(self) -> None:
        if (self.score is None) == (self.pick is None):
            raise ValueError(f"strategy {self.key} must either score or pick")
