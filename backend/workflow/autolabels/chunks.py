"""The chunks of an autolabel run: which documents one prediction job takes, and how it fares.

The certify gold comes first, since the promise is made of it; then the pool, in the order of the
documents' numbers. A chunk's folder is the truth about it; its row lasts until it is stored.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from backend.db import autolabels, pool
from backend.db.tables import Project, Version
from backend.db.tables_of_autolabel import AutolabelChunk, AutolabelRun
from backend.workflow import preannotate
from backend.workflow.autolabels.certify import judges
from backend.workflow.autolabels.items import STORED_AT_ONCE, Proposal
from backend.workflow.preannotate import PredictionJobError
from ml_backend.contract.messages import JobFolder, PredictRequest

CHUNK = 2048  # documents: what the prediction job sorts by length together
ATTEMPTS = 3  # at a chunk, before the run gives up

Texts = Sequence[tuple[int, str]]  # documents' numbers and texts


def next_texts(session: Session, run: AutolabelRun, project: Project, version: Version) -> Texts:
    """The documents of the next chunk after the run's cursor; none when all are given out."""
    if run.promise_id is None:
        judging = [one for one in judges(session, project, version) if one.document_id > run.cursor]
        ids = [one.document_id for one in judging]
        known = autolabels.predicted(session, version.id, ids)
        return [(one.document_id, one.text) for one in judging if one.document_id not in known][
            :CHUNK
        ]
    return autolabels.without_item(session, project.id, version.id, after=run.cursor, limit=CHUNK)


def folder_of(jobs: Path, run_id: int) -> Path:
    """Where a run's chunks have their folders."""
    return jobs / f"autolabel-{run_id}"


def write_job(folder: JobFolder, request: PredictRequest, texts: Texts) -> None:
    """Prepare a chunk's prediction job; its request is written last."""
    folder.path.mkdir(parents=True, exist_ok=True)
    with folder.input.open("wb") as file:
        file.writelines(_lines(texts))
    folder.write_request(request)


def add_chunk(run: AutolabelRun, folder: JobFolder, texts: Texts) -> AutolabelChunk:
    """The row of a chunk, named by its first document; the run's cursor moves to its last."""
    run.cursor = texts[-1][0]
    return AutolabelChunk(
        run_id=run.id, number=texts[0][0], folder=str(folder.path), documents=len(texts)
    )


def read_proposals(folder: JobFolder) -> Iterator[list[Proposal]]:
    """What a finished job says, some hundred documents at a time.

    Raises PredictionJobError unless it tagged its whole input.
    """
    result = folder.result()
    assert result is not None, "the job has not ended"
    if result.state != "done":
        raise PredictionJobError(f"prediction {result.state}: {result.reason}")
    with folder.input.open("rb") as file:
        wanted = sum(1 for line in file if line.strip())
    if result.figures.get("documents") != wanted:
        told = result.figures.get("documents")
        raise PredictionJobError(f"{wanted} documents were to be tagged, {told} were")
    with folder.output.open("rb") as file:
        batch: list[Proposal] = []
        for line in file:
            batch.append(_proposal(orjson.loads(line)))
            if len(batch) == STORED_AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch


def store_certify(session: Session, version_id: int, proposals: Sequence[Proposal]) -> None:
    """Keep what the version says of certify documents, beside what others said of them."""
    records = [
        {"id": one.document_id, "entities": one.entities, "confidence": one.confidence}
        for one in proposals
    ]
    alive = pool.documents(session, [one.document_id for one in proposals])
    preannotate.store(session, version_id, records, alive)


def look(chunk: AutolabelChunk, folder: JobFolder, time: datetime, lease_seconds: int) -> bool:
    """Renew the lease of a chunk whose heart has beaten since; whether its worker has died.

    A chunk that nobody has begun has no lease: it waits its turn.
    """
    progress = folder.progress()
    if progress is not None and (progress.beat != chunk.beat or chunk.lease_until is None):
        chunk.beat = progress.beat
        chunk.lease_until = time + timedelta(seconds=lease_seconds)
        return False
    return chunk.lease_until is not None and chunk.lease_until < time


@dataclass(frozen=True, slots=True)
class RunProgress:
    """`done` of `total` documents: of the certify gold first, then of the pool."""

    of_certify_gold: bool
    done: int
    total: int


def progress_of(run: AutolabelRun, out: Sequence[AutolabelChunk]) -> RunProgress:
    """How far a run is, with what the jobs of its chunks have done so far."""
    begun = [JobFolder(Path(chunk.folder)).progress() for chunk in out]
    at_work = sum(progress.done for progress in begun if progress is not None)
    if run.promise_id is None:
        return RunProgress(True, at_work, sum(chunk.documents for chunk in out))
    return RunProgress(False, min(run.total, run.done + at_work), run.total)


def begin_anew(chunk: AutolabelChunk, folder: JobFolder, *, failed: bool) -> None:
    """Let another worker take a chunk that failed, or was cancelled by a pause."""
    chunk.attempts += failed
    chunk.lease_until = None
    for name in ("result.json", "cancel", "progress.json"):
        (folder.path / name).unlink(missing_ok=True)
    chunk.beat = 0


def _lines(texts: Texts) -> Iterable[bytes]:
    for number, text in texts:
        yield orjson.dumps({"id": str(number), "text": text}, option=orjson.OPT_APPEND_NEWLINE)


def _proposal(record: dict[str, Any]) -> Proposal:
    confidence = record["confidence"]
    if not isinstance(confidence, float | int) or not 0 <= confidence <= 1:
        raise PredictionJobError(f"a confidence must lie in [0, 1], not {confidence!r}")
    return Proposal(int(record["id"]), record["entities"], float(confidence))
