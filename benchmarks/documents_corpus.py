"""The generated corpus of documents.py: Korean sentences, some of them copied exactly or nearly.

Of all documents 15 % are exact copies of an earlier one (half of those differ in their spaces)
and 10 % are near ones. The same number of documents and seed give the same file everywhere.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from backend.sample.copies import near_copy
from backend.sample.generate import generate
from backend.workflow.duplicates.normal_form import normal_form

EXACT, NEAR, RESPACED = 0.15, 0.10, 0.5
REMEMBERED = 20_000  # documents that may still be copied


def write_corpus(path: Path, documents: int, seed: int = 0) -> None:
    """Write the corpus as JSON Lines; it appears when it is complete."""
    partial = path.with_name(f".{path.name}")
    with partial.open("wb") as file:
        for record in corpus(documents, seed):
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    partial.replace(path)


def corpus(documents: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The corpus's documents in order: id, text, entities; `copy_of` and `near_to` of copies."""
    rng = random.Random(seed)
    # the sample plants copies of its own: they are left out
    written = (one for one in generate(2 * documents, seed=seed) if one.copy_of is None)
    originals: list[tuple[str, str, list[tuple[int, int, str]]]] = []
    for number in range(documents):
        name, chance = f"d{number:07}", rng.random()
        if originals and chance < EXACT:
            copied, text, spans = originals[rng.randrange(len(originals))]
            if rng.random() < RESPACED:
                text, spans = _respaced(text, spans)
            yield _record(name, text, spans, copy_of=copied)
        elif originals and chance < EXACT + NEAR:
            copied, text, spans = originals[rng.randrange(len(originals))]
            text, spans = _near(text, spans, rng)
            yield _record(name, text, spans, near_to=copied)
        else:
            document = next(written)
            spans = [(one.start, one.end, one.label) for one in document.entities]
            if len(originals) < REMEMBERED:
                originals.append((name, document.text, spans))
            else:
                originals[rng.randrange(REMEMBERED)] = (name, document.text, spans)
            yield _record(name, document.text, spans)


def _near(
    text: str, spans: list[tuple[int, int, str]], rng: random.Random
) -> tuple[str, list[tuple[int, int, str]]]:
    """A near copy that is no exact one, as those are that differ in space or width alone."""
    changed, moved = near_copy(text, spans, rng)
    while normal_form(changed) == normal_form(text):
        changed, moved = near_copy(changed, moved, rng)
    return changed, moved


def _respaced(
    text: str, spans: list[tuple[int, int, str]]
) -> tuple[str, list[tuple[int, int, str]]]:
    """The same text with one space more in front."""
    return f" {text}", [(start + 1, end + 1, label) for start, end, label in spans]


def _record(name: str, text: str, spans: list[tuple[int, int, str]], **more: str) -> dict[str, Any]:
    entities = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return {"id": name, "text": text, "entities": entities, **more}
