"""Which of many candidate spans to keep: the heaviest set in which none overlaps, or none crosses.

Spans are half-open ranges with positive weights. Of two equally heavy sets the same one is always
returned. A greedy choice (heaviest first) is not enough: it keeps one long span where two short
ones beside each other weigh more.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from ml_backend.contract.entity import Entity, first_overlap

Range = tuple[int, int]


def heaviest_apart(spans: Sequence[Range], weights: Sequence[float]) -> list[int]:
    """The places, ascending, of the spans of the heaviest set without overlaps.

    Weighted interval scheduling: by last end, each span is either left out or joined to the best
    set that ends before it begins. O(n log n); at least one span is kept where there is one.
    """
    order = sorted(range(len(spans)), key=lambda place: (spans[place][1], spans[place][0]))
    ends = [spans[place][1] for place in order]
    best = [0.0]  # of the first k spans in order
    joined: list[int | None] = []  # how many spans the k-th leaves free, None where it is left out
    for k, place in enumerate(order):
        before = bisect_right(ends, spans[place][0], 0, k)
        with_it = best[before] + weights[place]
        better = with_it > best[k]
        joined.append(before if better else None)
        best.append(with_it if better else best[k])
    kept = []
    k = len(order)
    while k:
        before_it = joined[k - 1]
        if before_it is None:
            k -= 1
        else:
            kept.append(order[k - 1])
            k = before_it
    return sorted(kept)


def heaviest_nested(spans: Sequence[Range], weights: Sequence[float]) -> list[int]:
    """The places, ascending, of the spans of the heaviest set in which no two cross.

    One span may lie within another; each range may be given once. The best set between two places
    is the span over all of it, if there is one, and the best way of parting the rest in two:
    dynamic programming over the distinct borders, O(borders³) in whole-array steps, within each
    stretch that spans hold together.
    """
    groups = _stretches(spans)
    return sorted(place for group in groups for place in _laminar(spans, weights, group))


def _stretches(spans: Sequence[Range]) -> Iterator[list[int]]:
    """Groups of spans between which no span reaches."""
    group: list[int] = []
    reach = 0
    for place in sorted(range(len(spans)), key=lambda place: spans[place]):
        start, end = spans[place]
        if group and start >= reach:
            yield group
            group = []
        group.append(place)
        reach = max(reach, end)
    if group:
        yield group


def _laminar(spans: Sequence[Range], weights: Sequence[float], group: list[int]) -> list[int]:
    if len(group) == 1:
        return group
    borders = sorted({border for place in group for border in spans[place]})
    at = {border: index for index, border in enumerate(borders)}
    owner = {(at[spans[place][0]], at[spans[place][1]]): place for place in group}
    count = len(borders)
    own = np.zeros((count, count))
    for cell, place in owner.items():
        own[cell] = weights[place]
    best = own.copy()  # best[i, j]: of the spans between borders i and j
    parted = np.zeros((count, count), np.int64)  # at which border the best set falls in two
    for gap in range(2, count):
        i = np.arange(count - gap)[:, None]
        middle = i + np.arange(1, gap)  # (ranges, middles)
        sums = best[i, middle] + best[middle, i + gap]
        first = sums.argmax(1)
        left, right = i[:, 0], i[:, 0] + gap
        best[left, right] += sums[left, first]
        parted[left, right] = middle[left, first]
    kept: list[int] = []
    ranges = [(0, count - 1)]
    while ranges:
        left_border, right_border = cell = ranges.pop()
        if cell in owner:
            kept.append(owner[cell])
        if right_border - left_border > 1:
            middle_border = int(parted[cell])
            ranges += [(left_border, middle_border), (middle_border, right_border)]
    return kept


def first_conflict(entities: Sequence[Entity], *, nested: bool) -> tuple[Entity, Entity] | None:
    """The first two entities that no reading can hold together, or None.

    Those are two that overlap, or if `nested` two that cross or share their range.
    """
    ordered = sorted(entities)
    if not nested:
        return first_overlap(ordered)
    for left, right in combinations(ordered, 2):
        same = (left.start, left.end) == (right.start, right.end)
        if same or left.start < right.start < left.end < right.end:
            return left, right
    return None
