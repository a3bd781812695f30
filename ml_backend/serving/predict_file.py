"""The prediction job: tags a whole file on a worker, so that annotators' server never waits.

`Result.figures` is `{"version", "documents", "entities", "seconds"}`.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_backend.contract.messages import (
    JobFolder,
    PredictRequest,
    Progress,
    Result,
    read_jsonl,
    write_jsonl,
)
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.reasons import reason_of
from ml_backend.serving.arrays import Arrays

if TYPE_CHECKING:
    from ml_backend.tagger.loading import TextTagger
    from ml_backend.tagger.predict import TextPrediction
    from ml_backend.tagger.scores import TextScores

    Found = tuple[TextPrediction, TextScores | None]
    Ask = Callable[[Sequence[str]], Sequence[Found]]

log = logging.getLogger(__name__)

BEAT_EVERY = 1.0  # seconds
BLOCK_TEXTS = 2048  # sorted by length together
CHUNK_TEXTS = 256  # between two looks at the cancel flag
KEPT_TAGGERS = 2  # versions that a worker keeps between jobs


class CancelledError(Exception):
    """Somebody asked the job to stop."""


class InputError(ValueError):
    """A line of the input that is not `{"id", "text"}`."""


def predict_file(folder: str) -> None:
    """Tag `input.jsonl` into `output.jsonl`, in order; `result.json` comes last.

    A job that has ended is left alone; one that was broken off begins anew. Raises what went
    wrong, once it is written down in the result.
    """
    job = JobFolder(Path(folder))
    if job.result() is not None:
        return
    _remove_leftovers(job)
    with _Heart(job) as heart:
        try:
            result = _predict(job, job.predict_request(), heart)
        except CancelledError:
            result = Result("cancelled", "somebody asked to stop")
        except Exception as error:
            heart.stop()
            job.write_result(Result("failed", reason_of(error)))
            raise
        finally:
            _remove_leftovers(job)
    job.write_result(result)
    log.info("predict_file job=%s state=%s figures=%s", job.path.name, result.state, result.figures)


def _predict(job: JobFolder, request: PredictRequest, heart: "_Heart") -> Result:
    began = time.monotonic()
    with job.input.open("rb") as file:
        heart.total = sum(1 for line in file if line.strip())
    if job.cancel_asked():
        raise CancelledError
    store = ModelStore(Path(request.model_store))
    tagger = _tagger(store.version_folder(request.project_key, request.version))
    heart.stage, heart.began = "predicting", time.monotonic()
    entities = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal entities
        records = enumerate(read_jsonl(job.input), start=1)
        with Arrays(job, heart.total) if request.scores else nullcontext() as arrays:
            while block := list(islice(records, BLOCK_TEXTS)):
                ids, texts = zip(*(_read(number, record) for number, record in block), strict=True)
                found = _in_turn(_asked(tagger, request), texts, job, heart)
                if arrays is not None:
                    arrays.add([scores for _, scores in found if scores is not None])
                for id_, (prediction, scores) in zip(ids, found, strict=True):
                    entities += len(prediction.entities)
                    yield {"id": id_, **_record(prediction, scores)}

    documents = write_jsonl(job.output, lines())
    figures = {
        "version": request.version,
        "documents": documents,
        "entities": entities,
        "seconds": round(time.monotonic() - began, 3),
    }
    return Result("done", figures=figures)


def _asked(tagger: "TextTagger", request: PredictRequest) -> "Ask":
    """How some texts are tagged: with scores or, which is faster, without."""
    if request.scores:
        return partial(tagger.score, dropout_passes=request.dropout_passes)
    return lambda texts: [(prediction, None) for prediction in tagger.predict(texts)]


def _in_turn(ask: "Ask", texts: Sequence[str], job: JobFolder, heart: "_Heart") -> "list[Found]":
    """Tag one block, texts of like length together, and give it back in its order."""
    found: dict[int, Found] = {}
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for start in range(0, len(order), CHUNK_TEXTS):
        if job.cancel_asked():
            raise CancelledError
        chunk = order[start : start + CHUNK_TEXTS]
        found.update(zip(chunk, ask([texts[i] for i in chunk]), strict=True))
        heart.done += len(chunk)
    return [found[index] for index in range(len(texts))]


def _record(prediction: "TextPrediction", scores: "TextScores | None") -> dict[str, Any]:
    entities = [entity.to_dict() for entity in prediction.entities]
    record = {"entities": entities, "confidence": float(prediction.confidence)}
    if scores is None:
        return record
    for entity, runner_up in zip(entities, scores.runners_up, strict=True):
        entity["runner_up"] = runner_up and runner_up.to_dict()
    return {**record, "scores": scores.to_dict()}


def _read(number: int, record: Any) -> tuple[Any, str]:
    if (
        not isinstance(record, dict)
        or not isinstance(record.get("text"), str)
        or "id" not in record
    ):
        raise InputError(f"input.jsonl, line {number}: not an object with an id and a text")
    return record["id"], record["text"]


@functools.lru_cache(maxsize=KEPT_TAGGERS)
def _tagger(folder: Path) -> "TextTagger":
    """The tagger of a version, kept for the next job: a version's folder never changes."""
    # Imported here: whoever enqueues or inspects this job by name has no use for torch.
    from ml_backend.tagger.loading import load_tagger  # noqa: PLC0415

    return load_tagger(folder)


def _remove_leftovers(job: JobFolder) -> None:
    for made in (job.output, job.vectors, job.gradients):
        for half_written in job.path.glob(f".{made.name}.*"):
            half_written.unlink(missing_ok=True)


@dataclass
class _Heart:
    """Writes the progress every second from a thread of its own, whatever the work is at."""

    job: JobFolder
    stage: str = "loading"
    done: int = 0
    total: int = 0
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "_Heart":
        before = self.job.progress()
        self._beat = before.beat if before else 0
        self._write()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Write once more and end; the result is written after it."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._write()

    def _run(self) -> None:
        while not self._stop.wait(BEAT_EVERY):
            self._write()

    def _write(self) -> None:
        self._beat += 1
        left = None
        if self.stage == "predicting" and self.done:
            left = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        self.job.write_progress(
            Progress(self._beat, self.stage, self.done, self.total, seconds_left=left)
        )
