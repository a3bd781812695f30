"""How sure to be of a whole document: more than the head's own probability of its reading.

That probability is the best sign of a reading's being right, and not the only one. A head that
goes from character to character hardly knows how rare documents without any entity are; one
doubtful entity is another thing than a little doubt everywhere; and where an entity was found and
not told, the head itself would have read otherwise. How much each sign weighs is learned on dev
(see `ml_backend.training.document_confidence`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.entity import Entity
from ml_backend.tagger.curves import Probabilities, logit, sigmoid

FURTHEST = 14.0  # log odds beyond which a probability says no more

SIGNS = ("own", "least_sure", "empty", "left_out", "bias")  # in the order of their weights

Signs = NDArray[np.float64]  # (documents, SIGNS)


class Reading(Protocol):
    """A text's entities, the probability that all of it is right, and that of its holding none."""

    @property
    def entities(self) -> list[Entity]: ...

    @property
    def confidence(self) -> float: ...

    @property
    def nothing(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a version tells of a text, before it is known how sure of the whole it may be.

    `confidence` and `nothing` are the head's own; `least_sure` is the calibrated probability of
    the least sure decision, to tell an entity or to leave one out, 0.5 where there was none.
    """

    entities: list[Entity]
    confidence: float
    nothing: float
    least_sure: float
    left_out: bool  # whether an entity was


@dataclass(frozen=True, slots=True)
class DocumentConfidence:
    """The log odds that all of a document is right, as a weighted sum.

    `own` weighs the log odds of the head's own probability, `least_sure` those of the least sure
    decision; `empty` is added where no entity is told, `left_out` where one was left out, `bias`
    everywhere. `empty_ratio` is how many documents hold nothing for each that the head expects:
    its own probabilities are corrected for that first. Raises ValueError for what is not finite or
    a ratio that is not above 0.
    """

    own: float = 1.0
    least_sure: float = 0.0
    empty: float = 0.0
    left_out: float = 0.0
    bias: float = 0.0
    empty_ratio: float = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.weights).all() or not 0 < self.empty_ratio < np.inf:
            raise ValueError(f"no weights of a document's confidence: {self.to_dict()}")

    @property
    def weights(self) -> NDArray[np.float64]:
        """One a sign, (SIGNS,)."""
        return np.array([getattr(self, name) for name in SIGNS], np.float64)

    def __call__(self, told: Sequence[Told]) -> Probabilities:
        """The probability that each document is right, (documents,)."""
        if self == OWN:
            return np.array([one.confidence for one in told], np.float64)
        return sigmoid(signs(told, self.empty_ratio) @ self.weights)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "DocumentConfidence":
        """Read weights; raises ValueError or TypeError where they are none."""
        return cls(**{name: float(value) for name, value in record.items()})


OWN = DocumentConfidence()  # nothing but the head's own


def signs(told: Sequence[Told], empty_ratio: float) -> Signs:
    """What tells of each document: log odds, marks, and a 1 for the bias."""
    empty = np.array([not one.entities for one in told], np.bool_)
    own = np.array([one.confidence for one in told], np.float64)
    # the head's own, had it known from the first how often there is nothing to find
    own = own * np.where(empty, empty_ratio, 1) / (1 - (1 - empty_ratio) * chances_of_nothing(told))
    least_sure = np.array([one.least_sure for one in told], np.float64)
    left_out = np.array([one.left_out for one in told], np.bool_)
    odds = logit(np.stack([own, least_sure], axis=1)).clip(-FURTHEST, FURTHEST)
    return np.column_stack([odds, empty, left_out, np.ones(len(told))])


def chances_of_nothing(told: Sequence[Told]) -> Probabilities:
    """How probable the head finds it that each document holds no entity, (documents,)."""
    said = [one.nothing if one.entities else max(one.nothing, one.confidence) for one in told]
    return np.array(said, np.float64)
