"""How far annotators agree on documents that several did: strict span F1 and Krippendorff's alpha.

Alpha is nominal, over characters: each character of a document is a unit, and what a person said
of it is the set of labels that cover it, most often none. It is 1 for full agreement, 0 for what
chance would give, and below 0 for less (Krippendorff, "Content Analysis", chapter 12).
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from backend.workflow.releases.agreement import f1

Span = tuple[int, int, str]  # code points [start, end) and label


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """A document that several people annotated: its length in code points, and what each said."""

    length: int
    said: Mapping[int, frozenset[Span]]


@dataclass(slots=True)
class Agreement:
    """`f1` is the mean over documents of the mean over pairs; `by_person` the mean against others.

    None where there is nothing to tell; `alpha` also where nobody has marked anything.
    """

    documents: int = 0
    exact: int = 0
    f1: float | None = None
    alpha: float | None = None
    by_person: dict[int, float] = field(default_factory=dict)
    pairs: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)


def agreement(documents: Iterable[SharedDocument]) -> Agreement:
    """The agreement over documents that at least two people annotated."""
    found = Agreement()
    shared = [one for one in documents if len(one.said) > 1]
    means: list[float] = []
    pairs: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for document in shared:
        scores = {
            pair: f1(document.said[pair[0]], document.said[pair[1]])
            for pair in combinations(sorted(document.said), 2)
        }
        for pair, score in scores.items():
            pairs[pair].append(score)
        means.append(sum(scores.values()) / len(scores))
        found.exact += len(set(document.said.values())) == 1
    found.documents = len(shared)
    found.f1 = _mean(means)
    found.pairs = {pair: (len(its), sum(its) / len(its)) for pair, its in sorted(pairs.items())}
    for person in {one for pair in pairs for one in pair}:
        its = [score for pair, scores in pairs.items() if person in pair for score in scores]
        found.by_person[person] = sum(its) / len(its)
    found.alpha = alpha(unit for document in shared for unit in _characters(document))
    return found


def alpha(units: Iterable[tuple[int, Sequence[Hashable]]]) -> float | None:
    """Krippendorff's nominal alpha; a unit is how often it comes and the values it was given.

    None where all values are the same, or no unit has two.
    """
    together = 0.0  # how often a value meets itself
    totals: Counter[Hashable] = Counter()
    for times, values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        for value, count in counts.items():
            together += times * count * (count - 1) / (len(values) - 1)
            totals[value] += times * count
    total = sum(totals.values())
    by_chance = sum(count * (count - 1) for count in totals.values())
    if total < 2 or by_chance == total * (total - 1):
        return None
    observed = together / total
    expected = by_chance / (total * (total - 1))
    return (observed - expected) / (1 - expected)


def _characters(document: SharedDocument) -> Iterable[tuple[int, list[frozenset[str]]]]:
    """Stretches of characters of which everybody says one thing, with what each says."""
    spans = [span for said in document.said.values() for span in said]
    edges = sorted(
        {0, document.length, *(edge for start, end, _ in spans for edge in (start, end))}
    )
    for start, end in pairwise(edges):
        yield (
            end - start,
            [
                frozenset(label for first, last, label in said if first <= start and end <= last)
                for said in document.said.values()
            ],
        )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
