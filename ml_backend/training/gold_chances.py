"""How likely documents' gold is to a tagger, and what that one finds instead."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.encoders.encoder import Batch
from ml_backend.tagger.examine import LEAST_CHANCE, label_chances
from ml_backend.tagger.heads.head import Beliefs, Decoded
from ml_backend.tagger.model import Model, in_characters, places_of
from ml_backend.tagger.positions import Places, Target, to_positions
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.windows import Window, inside, merged


@dataclass(frozen=True, slots=True)
class Likely:
    """An entity with its probability and those of the likely other labels of its span; None where
    the tagger can never find it."""

    entity: Entity
    probability: float | None
    others: dict[str, float]


@dataclass(frozen=True, slots=True)
class GoldChances:
    """What a tagger says of one document, nothing of it calibrated.

    `gold` is the document's, in its order, `found` what it would be by the tagger, whose reading is
    all right with the `confidence`; `tags` has P of each character's gold tag, (characters,).
    """

    gold: list[Likely]
    found: list[Likely]
    tags: list[float]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is said in one window: of the gold that lies in it and of the characters it owns."""

    reading: Decoded
    gold: list[Likely]  # with the places of the text
    found: list[Likely]  # likewise
    tags: list[float]


def gold_chances(tagger: Tagger, documents: Sequence[GoldDocument]) -> list[GoldChances]:
    """What the tagger says of each document, in order."""

    def ask(model: Model, batch: Batch, windows: list[Window]) -> list[_Seen]:
        gold = [(window, documents[window.text]) for window in windows]
        return list(_seen(model, batch, gold))

    parts = tagger.in_windows([document.text for document in documents], ask)
    return [_whole(*pair, tagger.nested) for pair in zip(documents, parts, strict=True)]


def _whole(
    document: GoldDocument, parts: Sequence[tuple[Window, _Seen]], nested: bool
) -> GoldChances:
    reading = merged([(window, seen.reading) for window, seen in parts], nested=nested)
    best: dict[Entity, tuple[float, Likely]] = {}
    for window, seen in parts:
        for one in seen.gold:
            margin = inside(window, one.entity.start, one.entity.end, len(document.text))
            known = best.get(one.entity, (margin, one))
            best[one.entity] = max(known, (margin, one), key=lambda pair: pair[0])
    found = {one.entity: one for _, seen in parts for one in seen.found}
    return GoldChances(
        [best[one][1] if one in best else Likely(one, None, {}) for one in document.entities],
        [
            Likely(one, one.probability, found[one].others if one in found else {})
            for one in document.judged(reading.entities)
        ],
        [chance for _, seen in parts for chance in seen.tags],
        reading.confidence if parts else 1.0,
    )


def _seen(
    model: Model, batch: Batch, gold: Sequence[tuple[Window, GoldDocument]]
) -> Iterator[_Seen]:
    states, places = model.encoder(batch), places_of(batch)
    rows = zip(gold, places, strict=True)
    for beliefs in model.head.beliefs(states, batch.lengths):
        yield from _of_beliefs(beliefs, list(islice(rows, len(beliefs.lengths))))


def _of_beliefs(
    beliefs: Beliefs, rows: Sequence[tuple[tuple[Window, GoldDocument], Places | None]]
) -> Iterator[_Seen]:
    targets = [_target(document, window) for (window, document), _ in rows]
    reached = [  # each gold entity in positions, none where these do not have it
        [to_positions(Target([entity]), places).entities for entity in target.entities]
        for target, (_, places) in zip(targets, rows, strict=True)
    ]
    spans = [
        (row, entity.start, entity.end)
        for row, own in enumerate(reached)
        for entities in own
        for entity in entities
    ]
    chances = iter(beliefs.of_spans(spans).tolist() if spans else ())
    in_positions = [
        to_positions(target, places) for target, (_, places) in zip(targets, rows, strict=True)
    ]
    tags = beliefs.of_tags(in_positions).tolist()
    readings = beliefs.readings()
    found = label_chances(beliefs, readings)
    for row, ((window, document), places) in enumerate(rows):
        reading = in_characters(readings[row], places)
        gold = [
            _likely(
                entity,
                dict(zip(beliefs.labels, next(chances), strict=True)) if here else {},
                window,
                document,
            )
            for entity, here in zip(targets[row].entities, reached[row], strict=True)
        ]
        yield _Seen(
            reading,
            gold,
            [
                _likely(entity, likely, window, document)
                for entity, likely in zip(reading.entities, found[row], strict=True)
            ],
            _owned(tags[row], places, window),
        )


def _likely(
    entity: Entity, chances: dict[str, float], window: Window, document: GoldDocument
) -> Likely:
    """An entity of a window as one of the text; labels that nobody looked for are left out."""
    own = chances.get(entity.label, math.nan)
    return Likely(
        Entity(entity.start + window.start, entity.end + window.start, entity.label),
        None if math.isnan(own) else own,
        {
            label: chance
            for label, chance in chances.items()
            if label != entity.label and chance >= LEAST_CHANCE and label not in document.missing
        },
    )


def _target(document: GoldDocument, window: Window) -> Target:
    """A document's gold in a window; nothing is known where the window's edge cuts an entity."""
    entities, unknown = [], []
    for one in document.entities:
        start, end = one.start - window.start, one.end - window.start
        if start >= 0 and one.end <= window.end:
            entities.append(Entity(start, end, one.label))
        elif end > 0 and one.start < window.end:
            unknown.append((max(0, start), min(end, window.end - window.start)))
    return Target(entities, document.missing, unknown)


def _owned(tags: Sequence[float], places: Places | None, window: Window) -> list[float]:
    """Of the characters that a window owns; those in no position are not doubted."""
    if places is None:
        return list(tags[window.owned - window.start : window.owned_end - window.start])
    said = [1.0] * (window.end - window.start)
    for (start, end), tag in zip(places, tags, strict=False):
        said[start:end] = [tag] * (end - start)
    return said[window.owned - window.start : window.owned_end - window.start]
