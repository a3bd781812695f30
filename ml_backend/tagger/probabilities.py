"""How probable a tagger finds entities of a text that it would not give itself."""

import math
from collections.abc import Iterator, Sequence

import torch

from ml_backend.contract.entity import Entity
from ml_backend.tagger.encoders.encoder import Batch
from ml_backend.tagger.heads.head import Beliefs
from ml_backend.tagger.model import Model, places_of
from ml_backend.tagger.positions import Places, Target, to_positions
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.windows import Window, inside

Key = tuple[int, int, str]  # start, end and label of an entity
Chances = dict[Key, float]


def probabilities(
    tagger: Tagger, texts: Sequence[str], asked: Sequence[Sequence[Key]]
) -> list[Chances]:
    """P of each entity that is asked of each text, not calibrated; those that no window holds
    whole or the head cannot find are left out.
    """

    def ask(model: Model, batch: Batch, windows: list[Window]) -> list[Chances]:
        return list(_in_batch(model, batch, [_within(one, asked[one.text]) for one in windows]))

    result = []
    for text, parts in zip(texts, tagger.in_windows(texts, ask), strict=True):
        best: dict[Key, tuple[float, float]] = {}
        for window, chances in parts:
            for (start, end, label), chance in chances.items():
                key = start + window.start, end + window.start, label
                said = inside(window, *key[:2], len(text)), chance
                best[key] = max(best.get(key, said), said)
        result.append({key: chance for key, (_, chance) in best.items()})
    return result


def _within(window: Window, keys: Sequence[Key]) -> list[Key]:
    """Those that a window holds whole, in its characters."""
    return [
        (start - window.start, end - window.start, label)
        for start, end, label in keys
        if window.start <= start and end <= window.end
    ]


@torch.no_grad()
def _in_batch(model: Model, batch: Batch, asked: Sequence[Sequence[Key]]) -> Iterator[Chances]:
    states, places = model.encoder(batch), places_of(batch)
    rows = iter(zip(asked, places, strict=True))
    for beliefs in model.head.beliefs(states, batch.lengths):
        yield from _of_beliefs(beliefs, [next(rows) for _ in beliefs.lengths])


def _of_beliefs(
    beliefs: Beliefs, rows: Sequence[tuple[Sequence[Key], Places | None]]
) -> Iterator[Chances]:
    reached = [  # by key, the entity in positions, none where these do not have it
        {key: to_positions(Target([Entity(*key)]), places).entities for key in keys}
        for keys, places in rows
    ]
    spans = [
        (row, own.start, own.end)
        for row, found in enumerate(reached)
        for here in found.values()
        for own in here
    ]
    chances = iter(beliefs.of_spans(spans).tolist() if spans else ())
    place = {label: number for number, label in enumerate(beliefs.labels)}
    for found in reached:
        said = {key: next(chances)[place[key[2]]] for key, here in found.items() if here}
        yield {key: chance for key, chance in said.items() if not math.isnan(chance)}
