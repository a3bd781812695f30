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

Signs = NDArray[np.float64]  # (documents, 5), as `signs` gives them


class Reading(Protocol):
    """A text's entities, and the probability that all of it is right."""

    @property
    def entities(self) -> list[Entity]: ...

    @property
    def confidence(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a version tells of a text, before it is known how sure of the whole it may be.

    `confidence` is the head's own, `least_sure` the calibrated probability of the least sure
    decision, to tell an entity or to leave one out; 0.5 where there was none to make.
    """

    entities: list[Entity]
    confidence: float
    least_sure: float
    left_out: bool  # whether an entity was


@dataclass(frozen=True, slots=True)
class DocumentConfidence:
    """The log odds that all of a document is right, as a weighted sum.

    `own` weighs the log odds of the head's own probability, `least_sure` those of the least sure
    decision; `empty` is added where no entity is told, `left_out` where one was left out, `bias`
    everywhere. Raises ValueError for what is not finite.
    """

    own: float = 1.0
    least_sure: float = 0.0
    empty: float = 0.0
    left_out: float = 0.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.weights).all():
            raise ValueError(f"no weights of a document's confidence: {self.to_dict()}")

    @property
    def weights(self) -> NDArray[np.float64]:
        """One a sign, (5,)."""
        return np.array(list(self.to_dict().values()), np.float64)

    def __call__(self, told: Sequence[Told]) -> Probabilities:
        """The probability that each document is right, (documents,)."""
        if self == OWN:
            return np.array([one.confidence for one in told], np.float64)
        return sigmoid(signs(told) @ self.weights)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "DocumentConfidence":
        """Read weights; raises ValueError or TypeError where they are none."""
        return cls(**{name: float(value) for name, value in record.items()})


OWN = DocumentConfidence()  # nothing but the head's own


def signs(told: Sequence[Told]) -> Signs:
    """What tells of each document: the log odds and the marks that `DocumentConfidence` weighs,
    and a 1, in its order."""
    said = np.array([[one.confidence, one.least_sure] for one in told], np.float64).reshape(-1, 2)
    marks = np.array([[not one.entities, one.left_out, True] for one in told], np.float64)
    return np.column_stack([logit(said).clip(-FURTHEST, FURTHEST), marks.reshape(-1, 3)])
