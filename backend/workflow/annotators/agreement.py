"""How far annotators agree on documents that several did: over all, by label and by pair.

| measure | what is counted                                                                 |
| ------- | ------------------------------------------------------------------------------- |
| F1      | strict: entities that both have with the same span and label, over all of both  |
| kappa   | Cohen's, over tokens; of several pairs the mean, weighted by their tokens       |
| alpha   | Krippendorff's, over characters                                                 |

What a person said of a token or a character is the set of labels that cover any of it, most often
none. Of one label only its own entities count, and whether it covers a token or a character.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from backend.workflow.annotators.chance import alpha, kappa, tokens

Span = tuple[int, int, str]  # code points [start, end) and label
Said = frozenset[Span]
Pair = tuple[int, int]  # account numbers, the lower one first
Labels = frozenset[str]
Values = tuple[Labels, ...]  # the labels that each person gave one place

MOST_DISAGREEMENTS = 200  # that are kept


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """A document that several people annotated: its text, and what each said, by account."""

    number: int
    text: str
    said: Mapping[int, Said]


@dataclass(frozen=True, slots=True)
class Measures:
    """How far some people agree; None where there is nothing to tell, as nobody marked anything."""

    documents: int = 0
    entities: int = 0  # that they marked, each person's own
    f1: float | None = None
    kappa: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement over all, by label and by pair, and of each person with all others.

    `exact` documents were labelled alike by everybody; `disagreements` are others, in the order in
    which they came, and no more than MOST_DISAGREEMENTS.
    """

    overall: Measures = Measures()
    exact: int = 0
    labels: Mapping[str, Measures] = field(default_factory=dict)
    pairs: Mapping[Pair, Measures] = field(default_factory=dict)
    by_person: Mapping[int, float] = field(default_factory=dict)
    disagreements: Sequence[SharedDocument] = ()


@dataclass(slots=True)
class _Counts:
    """What two people said of the same places."""

    documents: int = 0
    both: Counter[str] = field(default_factory=Counter)  # entities that they have in common
    all: Counter[str] = field(default_factory=Counter)  # entities of the one and of the other
    tokens: Counter[tuple[Labels, Labels]] = field(default_factory=Counter)
    characters: Counter[Values] = field(default_factory=Counter)


def agreement(documents: Iterable[SharedDocument]) -> Agreement:
    """The agreement over documents that at least two people annotated."""
    shared = [one for one in documents if len(one.said) > 1]
    pairs: defaultdict[Pair, _Counts] = defaultdict(_Counts)
    together: Counter[Values] = Counter()
    of_label: Counter[str] = Counter()  # documents in which anybody gave it
    for document in shared:
        edges = tokens(document.text)
        read = {person: _on_tokens(said, edges) for person, said in document.said.items()}
        of_label.update({label for said in document.said.values() for _, _, label in said})
        for one, other in combinations(sorted(document.said), 2):
            counts = pairs[one, other]
            counts.documents += 1
            said, its = document.said[one], document.said[other]
            counts.both.update(label for _, _, label in said & its)
            counts.all.update(label for _, _, label in (*said, *its))
            counts.tokens.update(zip(read[one], read[other], strict=True))
            characters = _on_characters(document, (one, other))
            counts.characters.update(characters)
        if len(document.said) > 2:
            characters = _on_characters(document, document.said)
        together.update(characters)
    ordered = dict(sorted(pairs.items()))
    labels = sorted(of_label, key=lambda label: (-of_label[label], label))
    people = {person for pair in ordered for person in pair}
    scores = {
        person: _f1([its for pair, its in ordered.items() if person in pair]) for person in people
    }
    return Agreement(
        overall=_measures(len(shared), list(ordered.values()), together),
        exact=sum(not _disagree(document) for document in shared),
        labels={
            label: _measures(of_label[label], list(ordered.values()), together, label)
            for label in labels
        },
        pairs={
            pair: _measures(its.documents, [its], its.characters) for pair, its in ordered.items()
        },
        by_person={person: score for person, score in scores.items() if score is not None},
        disagreements=[one for one in shared if _disagree(one)][:MOST_DISAGREEMENTS],
    )


def _disagree(document: SharedDocument) -> bool:
    return len(set(document.said.values())) > 1


def _measures(
    documents: int, pairs: Sequence[_Counts], characters: Counter[Values], label: str | None = None
) -> Measures:
    return Measures(
        documents=documents,
        entities=sum(_of(its.all, label) for its in pairs),
        f1=_f1(pairs, label),
        kappa=_mean_kappa(pairs, label),
        alpha=alpha(
            (times, values if label is None else [label in value for value in values])
            for values, times in characters.items()
        ),
    )


def _f1(pairs: Sequence[_Counts], label: str | None = None) -> float | None:
    together = sum(_of(its.all, label) for its in pairs)
    return 2 * sum(_of(its.both, label) for its in pairs) / together if together else None


def _of(counter: Counter[str], label: str | None) -> int:
    return counter.total() if label is None else counter[label]


def _mean_kappa(pairs: Sequence[_Counts], label: str | None) -> float | None:
    weights = total = 0.0
    for its in pairs:
        values: Counter[tuple[object, object]] = Counter()
        for (one, other), count in its.tokens.items():
            key = (one, other) if label is None else (label in one, label in other)
            values[key] += count
        found = kappa(values)
        if found is not None:
            weights += values.total()
            total += values.total() * found
    return total / weights if weights else None


def _on_tokens(said: Said, edges: Sequence[tuple[int, int]]) -> list[frozenset[str]]:
    """The labels that a person gave each token."""
    starts, ends = [start for start, _ in edges], [end for _, end in edges]
    read = [frozenset[str]()] * len(edges)
    for start, end, label in said:
        for place in range(bisect_right(ends, start), bisect_left(starts, end)):
            read[place] |= {label}
    return read


def _on_characters(document: SharedDocument, people: Iterable[int]) -> Counter[Values]:
    """How many characters were given which labels, by each of the people."""
    said = [document.said[person] for person in people]
    spans = [span for its in said for span in its]
    inner = {edge for start, end, _ in spans for edge in (start, end)}
    found: Counter[Values] = Counter()
    for start, end in pairwise(sorted({0, len(document.text)} | inner)):
        values = tuple(
            frozenset(label for first, last, label in its if first <= start and end <= last)
            for its in said
        )
        found[values] += end - start
    return found
