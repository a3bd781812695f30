"""The sample corpus: generated Korean documents with gold in the 33 general classes.

Nothing here was ever written by anybody: sentences are templates filled with words, so a score
on them says whether the machinery works, not how good a tagger is on real text.

The train part is what a project imports: a long tail of classes, sentences without entities,
and planted copies of which some are labelled differently. The test part is what it is scored on:
other sentences, no copies, and half of its mentions from the held-out lexicon.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from backend.sample.copies import near_copy, relabel
from backend.sample.lexicon import Mention, lexicons
from backend.sample.sentences import Part, Span, fill, plain, sentences
from backend.sample.templates import CLOSERS, OPENERS, TOPICS
from ml_backend.contract.entity import Entity

EXACT_COPIES: Final = 0.08
NEAR_COPIES: Final = 0.05
LABELLED_DIFFERENTLY: Final = 0.11  # of the copies; those without entities cannot be
UNSEEN: Final = 0.5  # of the test part's mentions

_REMEMBERED = 2000  # documents that may still be copied
_SECOND_SENTENCE = 0.6
_DECORATED = 0.12  # of the documents, at either end
_SKEW = 3.5  # how much the front of a lexicon is favoured: few words are common, most rare
_SKEW_UNSEEN = 2.0  # less for those held out, so that no single one decides a score


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """One generated document and its gold.

    ``unseen`` holds, in the test part, for each entity whether its mention is held out from the
    train part; ``copy_of`` is the earlier document that this one copies.
    """

    id: str
    text: str
    entities: tuple[Entity, ...]
    unseen: tuple[bool, ...] | None = None
    copy_of: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``unseen`` and ``copy_of`` only where there is one."""
        record: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "entities": [entity.to_dict() for entity in self.entities],
        }
        if self.unseen is not None:
            record["unseen"] = self.unseen
        if self.copy_of is not None:
            record["copy_of"] = self.copy_of
        return record


def generate(documents: int, *, seed: int, part: Part = "train") -> Iterator[SampleDocument]:
    """Yield that many documents, the same for the same seed on every machine.

    A longer run begins with a shorter one's documents. Memory does not grow with the number.
    """
    if documents < 0:
        raise ValueError(f"documents must be 0 or more, not {documents}")
    rng = random.Random(f"{part} {seed}")
    writer = _Writer(part, rng)
    originals: deque[tuple[str, str, list[Span]]] = deque(maxlen=_REMEMBERED)
    for number in range(1, documents + 1):
        name = f"{part}-{number:07}"
        chance = rng.random() if part == "train" and originals else 1.0
        if chance < EXACT_COPIES + NEAR_COPIES:
            copied, text, spans = originals[rng.randrange(len(originals))]
            if chance >= EXACT_COPIES:
                text, spans = near_copy(text, spans, rng)
            if spans and rng.random() < LABELLED_DIFFERENTLY:
                spans = relabel(text, spans, rng)
            yield SampleDocument(name, text, _entities(spans), copy_of=copied)
            continue
        text, spans, unseen = writer.write()
        if part == "train":
            originals.append((name, text, spans))
        yield SampleDocument(
            name, text, _entities(spans), unseen=tuple(unseen) if part == "test" else None
        )


class _Writer:
    """Writes one document after the other from a part's sentences and lexicons."""

    def __init__(self, part: Part, rng: random.Random):
        self._part, self._rng = part, rng
        self._sentences = sentences(part)
        self._lexicons = lexicons()
        self._topics = [topic for topic, percent in TOPICS.items() for _ in range(percent)]
        self._unseen: list[bool] = []

    def write(self) -> tuple[str, list[Span], list[bool]]:
        """A document's text, its spans, and whether each mention is a held-out one."""
        chance = self._rng.random
        topic = self._topics[int(chance() * len(self._topics))]
        self._unseen = []
        opener = self._rng.choice(OPENERS[topic]) if chance() < _DECORATED else ""
        text, spans = self._sentence(topic, opener)
        if chance() < _SECOND_SENTENCE:
            text, more = self._sentence(topic, text + " ")
            spans += more
        if chance() < _DECORATED:
            text += self._rng.choice(CLOSERS[topic])
        return text, spans, self._unseen

    def _sentence(self, topic: str, before: str) -> tuple[str, list[Span]]:
        if topic == "none":
            return before + plain(self._part, self._rng), []
        lines = self._sentences[topic]
        readings = lines[int(self._rng.random() * len(lines))]
        reading = readings[int(self._rng.random() * len(readings))]
        text, spans = fill(reading, self._draw, offset=len(before))
        return before + text, spans

    def _draw(self, kind: str) -> Mention:
        lexicon = self._lexicons[kind]
        unseen = self._part == "test" and self._rng.random() < UNSEEN
        self._unseen.append(unseen)
        if unseen:
            mentions, skew = lexicon.held_out, _SKEW_UNSEEN
        else:
            mentions, skew = lexicon.train, _SKEW
        return mentions[int(self._rng.random() ** skew * len(mentions))]


def _entities(spans: list[Span]) -> tuple[Entity, ...]:
    return tuple(Entity(start, end, label) for start, end, label in spans)
