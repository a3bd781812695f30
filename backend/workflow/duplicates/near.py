"""Near copies: candidates that share a band, verified by edit similarity, joined to groups.

A near copy's normal form has the same digits and at least the project's edit similarity
(1 - Levenshtein distance / length of the longer). Groups are what such pairs connect. Bands are
taken in rounds: what one round has joined is not compared again in the next, so that thousands of
sentences from one template cost little more than as many strangers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from backend.workflow.duplicates.near_index import NearIndex, Rows
from backend.workflow.duplicates.near_sketch import Sketches, digits

BANDS_A_ROUND = 5
_PAIRS = 200_000  # verified at a time
_EARLIER = 32  # bits of a pair's number for the older row


@dataclass(slots=True)
class Compared:
    """What new rows have changed: the near group that documents are in now, by their numbers.

    `verified` is how many pairs were compared, `pairs` those that are near copies.
    """

    near: dict[int, int] = field(default_factory=dict)
    verified: int = 0
    pairs: int = 0


class NearGroups:
    """Union-find over rows; a group's name is the number of its oldest document."""

    def __init__(self, ids: Rows, near: Mapping[int, int]):
        self.ids, self.names = ids, ids.copy()
        documents = np.fromiter(near.keys(), np.int64, len(near))
        rows = np.minimum(np.searchsorted(ids, documents), len(ids) - 1)
        here = ids[rows] == documents
        self.names[rows[here]] = np.fromiter(near.values(), np.int64, len(near))[here]

    def apart(self, left: Rows, right: Rows) -> NDArray[np.bool_]:
        """Whether each two rows are in different groups."""
        differ: NDArray[np.bool_] = self.names[left] != self.names[right]
        return differ

    def unite(self, left: Rows, right: Rows) -> None:
        """Join the groups of each two rows."""
        if not len(left):
            return
        names, nodes = np.unique(
            np.concatenate([self.names[left], self.names[right]]), return_inverse=True
        )
        half = len(left)
        edges = coo_matrix(
            (np.ones(half, np.int8), (nodes[:half], nodes[half:])), shape=(len(names),) * 2
        )
        _, components = connected_components(edges, directed=False)
        oldest = np.full(components.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(oldest, components, names)
        places = np.minimum(np.searchsorted(names, self.names), len(names) - 1)
        touched = names[places] == self.names
        self.names[touched] = oldest[components[places[touched]]]

    def near(self) -> NDArray[np.int64]:
        """The near group of every row, 0 for rows that are alone."""
        _, groups, sizes = np.unique(self.names, return_inverse=True, return_counts=True)
        found: NDArray[np.int64] = np.where(sizes[groups] > 1, self.names, 0)
        return found


def compare(index: NearIndex, ids: Rows, sketches: Sketches, near: Mapping[int, int]) -> Compared:
    """Append the newest documents to the index and join them to what they nearly are.

    `ids` are the documents of the sketches, rising from 1 and higher than all in the index;
    `near` is the near group, where there is one, of documents that are rows of the index.
    """
    compared = Compared()
    if not len(ids):
        return compared
    index.append(ids, sketches)
    groups = NearGroups(index.ids(), near)
    before = groups.near()
    failed: Rows = np.empty(0, np.int64)
    bands = range(index.similarity.bands)
    for start in range(0, len(bands), BANDS_A_ROUND):
        newer, older = index.candidates(bands[start : start + BANDS_A_ROUND], groups.apart)
        pairs: Rows = np.unique((newer << _EARLIER) | older)
        pairs = _without(pairs, failed)
        for some in _slices(pairs):
            left, right = some >> _EARLIER, some & ((1 << _EARLIER) - 1)
            alike = _alike(index, left, right)
            groups.unite(left[alike], right[alike])
            compared.verified += len(some)
            compared.pairs += int(alike.sum())
            failed = np.sort(np.append(failed, some[~alike]), kind="stable")
    after = groups.near()
    changed = np.flatnonzero(before != after)
    compared.near = dict(zip(groups.ids[changed].tolist(), after[changed].tolist(), strict=True))
    return compared


def _without(pairs: Rows, failed: Rows) -> Rows:
    """Pairs that are not among those that failed; both are in order."""
    if not len(failed):
        return pairs
    places = np.minimum(np.searchsorted(failed, pairs), len(failed) - 1)
    fresh: Rows = pairs[failed[places] != pairs]
    return fresh


def _slices(pairs: Rows) -> Iterator[Rows]:
    return (pairs[start : start + _PAIRS] for start in range(0, len(pairs), _PAIRS))


def _alike(index: NearIndex, left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Whether each two rows are near copies."""
    ours, others = index.forms(left), index.forms(right)
    threshold = index.similarity.threshold
    scores = cpdist(
        ours,
        others,
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=threshold,
        dtype=np.float64,
        workers=-1,
    )
    alike: NDArray[np.bool_] = scores >= threshold
    for number in np.flatnonzero(alike).tolist():
        alike[number] = digits(ours[number]) == digits(others[number])
    return alike
