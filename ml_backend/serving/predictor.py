"""One thread through which every prediction goes, a chunk at a time.

A tagger uses every core by itself: two predictions at once would only slow each other, and each
request's thread would keep a pool of worker threads of its own. Chunks of waiting requests take
turns, so that one open task is answered between two chunks of a request for thousands.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_backend.tagger.predict import Tagger, TextPrediction

log = logging.getLogger(__name__)

CHUNK_TEXTS = 256
CHUNK_CHARACTERS = 32_768


class Predictor:
    """Tags texts of several requests in turn."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    def close(self) -> None:
        """End the thread after the chunk it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def predict(self, tagger: "Tagger", texts: Sequence[str]) -> "list[TextPrediction | None]":
        """N texts in, N predictions out, in order; None for a text that makes the tagger fail."""
        predictions: list[TextPrediction | None] = [None] * len(texts)
        for chunk in _chunks(texts):
            found = self._thread.submit(_predict_each, tagger, [texts[i] for i in chunk]).result()
            for index, prediction in zip(chunk, found, strict=True):
                predictions[index] = prediction
        return predictions


def _chunks(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indices of texts of like length together, so that little of a batch is padding."""
    chunk: list[int] = []
    characters = 0
    for index in sorted(range(len(texts)), key=lambda index: len(texts[index])):
        length = len(texts[index])
        if chunk and (len(chunk) >= CHUNK_TEXTS or characters + length > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(index)
        characters += length
    if chunk:
        yield chunk


def _predict_each(tagger: "Tagger", texts: Sequence[str]) -> "list[TextPrediction | None]":
    """Tag a chunk; when it fails, tag its texts one by one and leave out what fails."""
    try:
        return list(tagger.predict(texts))
    except Exception:
        log.exception("chunk_failed texts=%d", len(texts))
    found: list[TextPrediction | None] = []
    for text in texts:
        try:
            found.extend(tagger.predict([text]))
        except Exception:
            log.exception("text_failed characters=%d", len(text))
            found.append(None)
    return found
