"""What else gold says of a doubted string: its labels elsewhere, and where it reads most alike.

Both are looked for when the doubts are found, in the snapshot that was read: pages look at nothing
but their own rows.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from backend.workflow.doubts.rank import NOTHING, Place
from ml_backend.contract.snapshot import GoldDocument

SIMILAR = 3  # documents shown with a doubt
_KEPT = 24  # places of a string that are compared, the first ones of the snapshot
_LONGEST = 60  # characters of a string that is looked for
_AROUND = 24  # characters on each side that are compared
_COMPARED = 20_000  # documents among which those that read alike are looked for
_FEATURES = 2**16
_ROWS = 256  # doubts compared at once

Read = Callable[[], Iterable[GoldDocument]]


class Mention(NamedTuple):
    """Where a string stands in gold; the label is NOTHING where it is not marked."""

    document: str
    start: int
    end: int
    label: str


@dataclass(slots=True)
class Evidence:
    """`strings`: of each doubted string how often it is marked with which label elsewhere, NOTHING
    for not at all, the most frequent first. `similar`: where it reads most alike."""

    strings: dict[str, dict[str, int]] = field(default_factory=dict)
    similar: list[Mention] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As a row keeps it, but for the ids of documents."""
        return {"strings": self.strings, "similar": [list(one) for one in self.similar]}


def evidence_for(
    places: Sequence[Place], read: Read, beat: Callable[[], None] = lambda: None
) -> list[Evidence]:
    """The evidence on each place; `read` gives all gold, and is called three times.

    The document of a place is no evidence on it. `beat` is called between any two slow steps.
    """
    own = {place.document for place in places}
    texts = {one.id: one for one in read() if one.id in own}
    asked = [_strings(place, texts[place.document].text) for place in places]
    finder = _Finder({string for strings in asked for string in strings})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    kept: dict[str, list[Mention]] = defaultdict(list)
    windows: dict[Mention, str] = {}
    for document in read():
        for string, mention in finder.mentions(document):
            counts[string][mention.label] += 1
            if len(kept[string]) < _KEPT:
                kept[string].append(mention)
                windows[mention] = _window(document.text, mention.start, mention.end)
    found = []
    for place, strings in zip(places, asked, strict=True):
        beat()
        document = texts[place.document]
        mine = Counter((string, one.label) for string, one in finder.mentions(document))
        evidence = Evidence()
        for string in strings:
            others = {label: n - mine[string, label] for label, n in counts[string].most_common()}
            evidence.strings[string] = {label: n for label, n in others.items() if n > 0}
        here = _window(document.text, *place.span)
        candidates = [
            one for string in strings for one in kept[string] if one.document != document.id
        ]
        candidates.sort(key=lambda one: (-_alike(here, windows[one]), one))
        evidence.similar = _one_each(candidates)
        found.append(evidence)
    _fill_up(places, found, texts, read, beat)
    return found


def _strings(place: Place, text: str) -> list[str]:
    """The strings that a place is about, gold's first."""
    entities = [*place.gold.entities, *place.model.entities]
    strings = dict.fromkeys(text[one.start : one.end] for one in entities)
    return [string for string in strings if len(string) <= _LONGEST]


class _Finder:
    """Finds where any of many strings stands in a text."""

    def __init__(self, strings: Iterable[str]):
        self._strings = frozenset(strings)
        lengths: dict[str, set[int]] = defaultdict(set)
        for string in self._strings:
            lengths[string[:2]].add(len(string))
        self._lengths = {head: sorted(its) for head, its in lengths.items()}

    def mentions(self, document: GoldDocument) -> Iterator[tuple[str, Mention]]:
        """Each string with where it stands, marked or not; those that overlap too."""
        text = document.text
        labels = {(one.start, one.end): one.label for one in document.entities}
        for start in range(len(text)):
            for head in {text[start], text[start : start + 2]}:
                for length in self._lengths.get(head, ()):
                    end = start + length
                    string = text[start:end]
                    if string in self._strings and len(string) == length:
                        label = labels.get((start, end), NOTHING)
                        yield string, Mention(document.id, start, end, label)


def _window(text: str, start: int, end: int) -> str:
    return text[max(0, start - _AROUND) : end + _AROUND]


def _alike(one: str, other: str) -> float:
    """The share of pairs of neighbouring characters that two strings have in common."""
    left, right = _pairs(one), _pairs(other)
    return len(left & right) / max(1, len(left | right))


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _one_each(mentions: Iterable[Mention]) -> list[Mention]:
    """The first mentions of different documents, as many as are shown."""
    found: dict[str, Mention] = {}
    for one in mentions:
        found.setdefault(one.document, one)
        if len(found) == SIMILAR:
            break
    return list(found.values())


def _fill_up(
    places: Sequence[Place],
    found: Sequence[Evidence],
    texts: Mapping[str, GoldDocument],
    read: Read,
    beat: Callable[[], None],
) -> None:
    """Where no document has the string, take those that read most alike as a whole."""
    lacking = [at for at, evidence in enumerate(found) if not evidence.similar]
    some_gold = (one for one in read() if one.entities) if lacking else iter(())
    compared = list(islice(some_gold, _COMPARED))
    if not compared:
        return
    top = min(SIMILAR + 1, len(compared))
    rows = _weighted([one.text for one in compared])
    for first in range(0, len(lacking), _ROWS):
        some = lacking[first : first + _ROWS]
        asked = _weighted([texts[places[at].document].text for at in some])
        beat()
        likeness = (asked @ rows.T).toarray()  # (some, compared)
        best = _highest(likeness, top)  # (some, top)
        for at, row in zip(some, best.tolist(), strict=True):
            others = [compared[one] for one in row if compared[one].id != places[at].document]
            found[at].similar = [
                Mention(one.id, one.entities[0].start, one.entities[0].end, one.entities[0].label)
                for one in others[:SIMILAR]
            ]


def _highest(likeness: npt.NDArray[np.float64], top: int) -> npt.NDArray[np.intp]:
    """The columns of the `top` highest values of each row, the highest first, (rows, top)."""
    columns = np.argpartition(likeness, likeness.shape[1] - top, axis=1)[:, -top:]
    order = np.argsort(-np.take_along_axis(likeness, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _weighted(texts: Sequence[str]) -> sparse.csr_matrix:
    """Texts as unit vectors of their pairs of characters, (texts, _FEATURES)."""
    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns += [zlib.crc32(pair.encode()) % _FEATURES for pair in _pairs(text)]
        ends.append(len(columns))
    lengths = np.diff(ends)
    values = np.repeat(1 / np.sqrt(np.maximum(1, lengths)), lengths)
    return sparse.csr_matrix((values, columns, ends), shape=(len(texts), _FEATURES))
