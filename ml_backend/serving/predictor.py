"""One thread through which every prediction goes, a chunk at a time.

A tagger uses every core by itself: two predictions at once would only slow each other, and each
request's thread would keep a pool of worker threads of its own. Chunks of waiting requests take
turns, so that one open task is answered between two chunks of a request for thousands.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_backend.tagger.loading import TextTagger
    from ml_backend.tagger.predict import TextPrediction

log = logging.getLogger(__name__)

TURN = 0.5  # seconds that a chunk should take
SMALLEST_CHUNK = 16_384  # characters; several batches of the tagger on a CPU


class Predictor:
    """Tags texts of several requests in turn."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._pace = 0.0  # characters a second, as last seen

    def close(self) -> None:
        """End the thread after the chunk it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def predict(self, tagger: "TextTagger", texts: Sequence[str]) -> "list[TextPrediction | None]":
        """N texts in, N predictions out, in order; None for a text that makes the tagger fail."""
        predictions: list[TextPrediction | None] = [None] * len(texts)
        for chunk in self._chunks(texts):
            found = self._thread.submit(self._take_turn, tagger, [texts[i] for i in chunk]).result()
            for index, prediction in zip(chunk, found, strict=True):
                predictions[index] = prediction
        return predictions

    def _take_turn(
        self, tagger: "TextTagger", texts: Sequence[str]
    ) -> "list[TextPrediction | None]":
        began = time.monotonic()
        found = _predict_each(tagger, texts)
        characters = sum(len(text) for text in texts)
        if characters >= SMALLEST_CHUNK // 2:
            self._pace = characters / max(time.monotonic() - began, 1e-3)
        return found

    def _chunks(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Indices of texts of like length together, so that little of a batch is padding.

        A chunk is as long as the device is fast: a GPU is fed enough, a CPU is soon free again.
        """
        chunk: list[int] = []
        characters = 0
        for index in sorted(range(len(texts)), key=lambda index: len(texts[index])):
            length = len(texts[index])
            if chunk and characters + length > max(SMALLEST_CHUNK, self._pace * TURN):
                yield chunk
                chunk, characters = [], 0
            chunk.append(index)
            characters += length
        if chunk:
            yield chunk


def _predict_each(tagger: "TextTagger", texts: Sequence[str]) -> "list[TextPrediction | None]":
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
