"""What a network believes of texts besides the best reading, in windows where they are long.

A window's numbers count for the characters that it owns. The probability of its best reading
counts by the share of the window that they are, so that a long text's log probability grows with
its length as a short one's does. Where the head labels tokens, they stand for characters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml_backend.tagger.encoders.encoder import Batch
from ml_backend.tagger.heads.head import Beliefs, Decoded
from ml_backend.tagger.model import Model, in_characters, places_of
from ml_backend.tagger.positions import Places
from ml_backend.tagger.scores import Chances, Examined, Floats
from ml_backend.tagger.sketch import Sketch
from ml_backend.tagger.windows import Window, merged, share_owned

LEAST_CHANCE = 1e-3  # of a label on a span, from which it is told


@dataclass(frozen=True, slots=True)
class ExaminedWindow:
    """What is believed of one window; entropies, expected entities (labels,), vectors (d,) and
    gradient (g,) are sums over the characters that it owns."""

    decoded: Decoded
    chances: Chances
    log_best: float
    log_second: float
    characters: int
    entropy: float
    max_entropy: float
    expected: Floats
    vector: Floats
    gradient: Floats
    passes: list[Decoded]


@torch.no_grad()
def examine_windows(
    model: Model, batch: Batch, windows: Sequence[Window], sketch: Sketch, *, passes: int
) -> list[ExaminedWindow]:
    """What a model in evaluation mode believes of a batch of windows.

    A pass with dropout is a reading without some of the vectors' numbers, as many as were left out
    in training and the same for all texts: one thinned head, a member of a committee (Gal &
    Ghahramani 2016; of the encoder's dropouts only the last one, so that it reads texts once).
    """
    states, places = model.encoder(batch), places_of(batch)
    counted = _counted(windows, places, states.size(1)).to(states.device)
    thinned = [
        model.head.decode(states * _kept(model, states, number, sketch.seed), batch.lengths)
        for number in range(passes)
    ]
    result: list[ExaminedWindow] = []
    for beliefs in model.head.beliefs(states, batch.lengths):
        some = slice(len(result), len(result) + len(beliefs.lengths))
        result += _windows(
            beliefs,
            states[some].float(),
            counted[some],
            sketch,
            windows[some],
            places[some],
            list(zip(*(one[some] for one in thinned), strict=True)) or [()] * len(beliefs.lengths),
        )
    return result


def examined(
    parts: Sequence[tuple[Window, ExaminedWindow]], nothing: Examined, *, nested: bool
) -> Examined:
    """One text's beliefs from those of its windows, in order; `nothing` is an empty text's."""
    if not parts:
        return nothing
    log_probability = sum(one.log_best * share_owned(window) for window, one in parts)
    nearest = max(one.log_second - one.log_best for _, one in parts)
    characters = sum(one.characters for _, one in parts)
    each = max(1, characters)
    passes = [
        merged([(window, one.passes[number]) for window, one in parts], nested=nested)
        for number in range(len(nothing.passes))
    ]
    return Examined(
        merged([(window, one.decoded) for window, one in parts], nested=nested),
        {span: chances for _, one in parts for span, chances in one.chances.items()},
        log_probability,
        math.exp(log_probability) * -math.expm1(min(0.0, nearest)),
        characters,
        sum(one.entropy for _, one in parts) / each,
        max(one.max_entropy for _, one in parts),
        _sum([one.expected for _, one in parts]),
        _sum([one.vector for _, one in parts]) / np.float32(each),
        _sum([one.gradient for _, one in parts]),
        [frozenset(entity.key for entity in reading.entities) for reading in passes],
    )


def _windows(
    beliefs: Beliefs,
    states: Tensor,
    counted: Tensor,
    sketch: Sketch,
    windows: Sequence[Window],
    places: Sequence[Places | None],
    thinned: Sequence[Sequence[Decoded]],
) -> list[ExaminedWindow]:
    weights = counted.unsqueeze(2)  # (windows, positions, 1)
    entropies = beliefs.entropies() * counted
    readings = beliefs.readings()
    numbers = torch.stack(
        [*beliefs.log_best_two().unbind(1), entropies.sum(1), entropies.amax(1)], dim=1
    ).tolist()
    characters = counted.sum(1).round().long().tolist()
    expected = (beliefs.begins() * weights).sum(1).float().cpu().numpy()
    vectors = (states * weights).sum(1).cpu().numpy()
    gradients = beliefs.gradients(counted, sketch).cpu().numpy()
    chances = label_chances(beliefs, readings)
    result = []
    for row, (window, own) in enumerate(zip(windows, places, strict=True)):
        reading = in_characters(readings[row], own)
        best, second, entropy, largest = numbers[row]
        result.append(
            ExaminedWindow(
                reading,
                {
                    (entity.start + window.start, entity.end + window.start): chance
                    for entity, chance in zip(reading.entities, chances[row], strict=True)
                },
                best,
                second,
                characters[row],
                entropy,
                largest,
                expected[row],
                vectors[row],
                gradients[row],
                [in_characters(one, own) for one in thinned[row]],
            )
        )
    return result


def label_chances(beliefs: Beliefs, readings: Sequence[Decoded]) -> list[list[dict[str, float]]]:
    """Of each entity of each reading, the likely labels of its span with their probabilities."""
    spans = [
        (row, entity.start, entity.end)
        for row, reading in enumerate(readings)
        for entity in reading.entities
    ]
    found = iter(beliefs.of_spans(spans).tolist() if spans else ())
    return [
        [
            {
                label: chance
                for label, chance in zip(beliefs.labels, next(found), strict=True)
                if chance >= LEAST_CHANCE
            }
            for _ in reading.entities
        ]
        for reading in readings
    ]


def _counted(windows: Sequence[Window], places: Sequence[Places | None], positions: int) -> Tensor:
    """1 for a position that begins in what its window owns, else 0: (windows, positions)."""
    result = torch.zeros(len(windows), positions)
    for row, (window, own) in enumerate(zip(windows, places, strict=True)):
        first, behind = window.owned - window.start, window.owned_end - window.start
        if own is None:
            result[row, first:behind] = 1.0
        else:
            inside = [place for place, (start, _) in enumerate(own) if first <= start < behind]
            result[row, inside] = 1.0
    return result


def _kept(model: Model, states: Tensor, number: int, seed: int) -> Tensor:
    """What each number of a vector is multiplied with in a pass with dropout, (size,)."""
    rate = model.encoder.dropout.p
    generator = torch.Generator().manual_seed((seed << 16) + number)
    kept = torch.rand(states.size(2), generator=generator) >= rate
    return (kept / (1 - rate)).to(states)


def _sum(arrays: Sequence[Floats]) -> Floats:
    return arrays[0] if len(arrays) == 1 else np.sum(arrays, axis=0, dtype=np.float32)
