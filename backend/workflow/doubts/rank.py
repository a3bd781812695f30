"""Which pieces of gold are in doubt, the most doubtful first, from what a doubts job read.

A doubt is a place: gold entities and entities of the model that never saw them, which overlap one
another and are not the same. Two scores rank the places. Worst-token: the least probability of
gold's tag among the characters of the place (Wang and Mueller 2022). Confident learning: how likely
the model's reading is against that, each divided by what is usual where gold has its label, since
models are less sure of some labels than of others (Northcutt et al. 2021). The queue is ordered by
the mean of both ranks.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from ml_backend.contract.entity import Entity
from ml_backend.contract.pairing import Kind, Pair

Floats = npt.NDArray[np.float64]

NOTHING = ""  # the class of a span that is no entity
_LEAST = 1e-3  # of a probability that is divided by


class Side(NamedTuple):
    """What gold or the model says at a place, and how likely that is to the model."""

    entities: list[Entity]
    probability: float
    label: str  # NOTHING where it says that no entity is there


@dataclass(frozen=True, slots=True)
class Place:
    """A doubt before it is ranked; `worst` is the least probability of a character's gold tag."""

    document: str
    gold: Side
    model: Side
    worst: float

    @property
    def kind(self) -> Kind:
        """What is wrong with gold if the model is right: it missed an entity, has a spurious one,
        or one of other boundaries, another label, or both."""
        gold, model = self.gold.entities, self.model.entities
        if not gold:
            return Kind.MISSED
        if not model:
            return Kind.SPURIOUS
        if len(gold) == len(model) == 1:
            return Pair(gold[0], model[0]).kind
        same = {entity.label for entity in gold} == {entity.label for entity in model}
        return Kind.BOUNDARY if same else Kind.BOTH

    @property
    def span(self) -> tuple[int, int]:
        """From the first to the last character of both readings."""
        both = [*self.gold.entities, *self.model.entities]
        return min(one.start for one in both), max(one.end for one in both)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place in the queue; `score` in [0, 1] is the mean of its ranks, 1 the most doubtful."""

    place: Place
    score: float


@dataclass(frozen=True, slots=True)
class Usual:
    """How likely the model finds gold's label where gold has it, on average over its entities."""

    labels: Mapping[str, float]

    def of(self, label: str) -> float:
        return max(self.labels.get(label, 1.0), _LEAST)


def rank(documents: Iterable[Mapping[str, Any]]) -> list[Ranked]:
    """The queue of what a doubts job read: records as `DoubtsRequest` tells them.

    The same records give the same queue. Documents without a doubt give nothing.
    """
    found: list[Place] = []
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for record in documents:
        _add_usual(sums, record)
        found += places(record)
    usual = Usual({label: total / count for label, (total, count) in sums.items()})
    if not found:
        return []
    worst = 1 - np.array([place.worst for place in found])
    margins = np.array([margin(place, usual) for place in found])
    scores = ensemble([margins, worst])
    order = np.lexsort((np.arange(len(found)), -scores))
    return [Ranked(found[at], float(scores[at])) for at in order]


def ensemble(scores: Sequence[Floats]) -> Floats:
    """The mean of the ranks that n things have by each score, (n,), in (0, 1]; ties share theirs.

    Higher is more doubtful.
    """
    ranks: Floats = np.mean([rankdata(one) / len(one) for one in scores], axis=0)
    return ranks


def margin(place: Place, usual: Usual) -> float:
    """ln of how likely the model's reading is against gold's, each as a multiple of its usual."""
    said = max(place.model.probability, _LEAST) / usual.of(place.model.label)
    given = max(place.worst, _LEAST) / usual.of(place.gold.label)
    return math.log(said / given)


def places(record: Mapping[str, Any]) -> Iterator[Place]:
    """The places of one document where gold and the model differ, from left to right."""
    said = {side: [_read(one) for one in record[side]] for side in ("gold", "entities")}
    same = {one.key for one, _ in said["gold"]} & {one.key for one, _ in said["entities"]}
    differing = [
        (one, chances, side)
        for side, entities in said.items()
        for one, chances in entities
        if one.key not in same
    ]
    differing.sort(key=lambda one: (one[0].start, one[0].end, one[2]))
    for group in _overlapping(differing):
        gold = [(one, chances) for one, chances, side in group if side == "gold"]
        model = [(one, chances) for one, chances, side in group if side == "entities"]
        start, end = min(one.start for one, *_ in group), max(one.end for one, *_ in group)
        yield Place(
            str(record["id"]),
            _side(gold, model),
            _side(model, gold),
            min(record["tags"][start:end], default=1.0),
        )


_Chances = Mapping[str, float]
_Read = tuple[Entity, _Chances]
_Differing = tuple[Entity, _Chances, str]


def _read(record: Mapping[str, Any]) -> _Read:
    """What the model can never say (probability null) is no doubt: it tells nothing against it."""
    chance = 1.0 if record["probability"] is None else record["probability"]
    entity = Entity(record["start"], record["end"], record["label"], chance)
    return entity, {**record["others"], entity.label: chance}


def _overlapping(entities: Sequence[_Differing]) -> Iterator[list[_Differing]]:
    """Groups that share characters, directly or by way of another; they are sorted by start."""
    group: list[_Differing] = []
    end = 0
    for one in entities:
        if group and one[0].start >= end:
            yield group
            group = []
        group.append(one)
        end = max(end, one[0].end) if len(group) > 1 else one[0].end
    if group:
        yield group


def _side(its: Sequence[_Read], other: Sequence[_Read]) -> Side:
    """One reading of a place: as likely as its least likely entity, or as that the other reading's
    likeliest span is no entity."""
    if its:
        entity, chances = min(its, key=lambda one: one[1][one[0].label])
        return Side([one for one, _ in its], chances[entity.label], entity.label)
    taken = max(sum(chances.values()) for _, chances in other)
    return Side([], max(0.0, 1.0 - taken), NOTHING)


def _add_usual(sums: dict[str, list[float]], record: Mapping[str, Any]) -> None:
    """Add up how likely gold's labels are on its own spans, and nothing outside of them."""
    for one in record["gold"]:
        if one["probability"] is None:
            continue
        sums[one["label"]][0] += one["probability"]
        sums[one["label"]][1] += 1
    inside = {at for one in record["gold"] for at in range(one["start"], one["end"])}
    for at, chance in enumerate(record["tags"]):
        if at not in inside:
            sums[NOTHING][0] += chance
            sums[NOTHING][1] += 1
