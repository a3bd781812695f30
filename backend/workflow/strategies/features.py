"""What a strategy may know of the documents that it chooses from: arrays in one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indexes = NDArray[np.int64]

SCORES = (
    "log_probability",
    "characters",
    "margin",
    "mean_entropy",
    "max_entropy",
    "disagreement",
)
OF_CANDIDATES = (*SCORES, "lengths", "expected", "seconds", "vectors", "gradients")


@dataclass(frozen=True, eq=False)
class Features:
    """n candidates; a number is nan where it was not made, an array None where none has it.

    Raises ValueError for an array whose first axis is not the candidates'.
    """

    ids: Indexes  # (n,)
    lengths: Floats  # (n,) code points
    log_probability: Floats  # (n,) natural logarithm of the best labelling's probability
    characters: Floats  # (n,) that were labelled
    margin: Floats  # (n,) probability of the best labelling less that of the second best
    mean_entropy: Floats  # (n,) nats
    max_entropy: Floats  # (n,) nats
    disagreement: Floats  # (n,) in [0, 1]
    expected: Floats  # (n, labels) entities by the marginals
    wanted: Floats  # (labels,) entities that are lacking to each label's target
    seconds: Floats  # (n,) that a person is expected to need
    vectors: Floats | None = None  # (n, d)
    known: Floats | None = None  # (m, d) of documents that people have seen
    gradients: Floats | None = None  # (n, g)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in OF_CANDIDATES:
            array = getattr(self, name)
            if array is not None and len(array) != len(self.ids):
                raise ValueError(f"{name}: {len(array)} rows for {len(self.ids)} candidates")
        if self.expected.shape[1:] != self.wanted.shape:
            raise ValueError(f"expected {self.expected.shape} and wanted {self.wanted.shape}")

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, rows: Indexes) -> "Features":
        """The same of some of the candidates, in the order of `rows`."""
        taken = {name: getattr(self, name) for name in ("ids", *OF_CANDIDATES)}
        return replace(self, **{n: a[rows] for n, a in taken.items() if a is not None})

    def chances(self) -> Floats:
        """A number in [0, 1) a candidate that its id and the seed alone decide: (n,) -> (n,)

        It is the end of SplitMix64 (Steele, Lea and Flood 2014), so that whether a document is
        drawn does not depend on the others that are there.
        """
        with np.errstate(over="ignore"):
            state = np.uint64(self.seed % 2**64) * np.uint64(0xD1B54A32D192ED03)
            mixed = self.ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + state
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
        return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


def make_features(
    ids: Sequence[int] | Indexes,
    lengths: Sequence[int] | Floats,
    scores: Sequence[Mapping[str, Any] | None],
    labels: Sequence[str],
    *,
    wanted: Mapping[str, float] | None = None,
    seconds: Sequence[float] | Floats | None = None,
    vectors: Floats | None = None,
    known: Floats | None = None,
    gradients: Floats | None = None,
    seed: int = 0,
) -> Features:
    """From the `scores` of a prediction job's lines (see PredictRequest), None where none are.

    Without `wanted` every label is wanted alike; without `seconds` a document takes as long as it
    has characters.
    """
    known_scores = [one or {} for one in scores]

    def column(name: str) -> Floats:
        values = [one.get(name) for one in known_scores]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    place = {label: number for number, label in enumerate(labels)}
    expected = np.zeros((len(known_scores), len(labels)))
    for row, one in enumerate(known_scores):
        for label, count in one.get("expected", {}).items():
            if label in place:
                expected[row, place[label]] = count
    size = np.asarray(lengths, dtype=np.float64)
    return Features(
        ids=np.asarray(ids, dtype=np.int64),
        lengths=size,
        **{name: column(name) for name in SCORES},
        expected=expected,
        wanted=np.array([1.0 if wanted is None else wanted.get(label, 0.0) for label in labels]),
        seconds=size if seconds is None else np.asarray(seconds, dtype=np.float64),
        vectors=vectors,
        known=known,
        gradients=gradients,
        seed=seed,
    )
