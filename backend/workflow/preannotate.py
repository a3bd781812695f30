"""Preannotate: what a version says of documents, made in bulk, kept by us, given to Label Studio.

A prediction job's folder is named by the version and the documents, so that whoever asks the same
question again finds the same job, running or done.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.clients.label_studio_tabs import BATCH
from backend.db.label_counts import add_counts
from backend.db.pool import chunks
from backend.db.tables import Document, Prediction, Version, now
from backend.db.tables_of_labels import Counted
from backend.workflow.label_studio.instructions import EVIDENCE
from backend.workflow.select import place
from backend.workflow.selection.candidates import Scoring
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import TextControl, to_regions
from ml_backend.contract.messages import JobFolder, PredictRequest, read_jsonl, write_jsonl

STORED_AT_ONCE = 500
PLAIN = Scoring()


class PredictionJobError(Exception):
    """A prediction job that failed, or whose output is not what was asked for."""


def job_folder(
    jobs: Path,
    project_key: str,
    version: str,
    document_ids: Iterable[int],
    scoring: Scoring = PLAIN,
) -> JobFolder:
    """The folder of the job that tags exactly these documents with this version."""
    content = ",".join(map(str, sorted(document_ids)))
    if scoring != PLAIN:
        content += f" scores {scoring.dropout_passes}"
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return JobFolder(jobs / f"predict-{project_key}-{version}-{digest}")


def write_job(
    folder: JobFolder,
    project_key: str,
    version: str,
    store: Path,
    documents: Sequence[Document],
    scoring: Scoring = PLAIN,
) -> None:
    """Prepare the job; its request is written last."""
    ordered = sorted(documents, key=lambda document: document.id)
    records = ({"id": str(document.id), "text": document.text} for document in ordered)
    write_jsonl(folder.input, records)
    folder.write_request(
        PredictRequest(project_key, version, str(store), scoring.scores, scoring.dropout_passes)
    )


def read_output(folder: JobFolder) -> Iterator[list[dict[str, Any]]]:
    """The finished job's records, a chunk at a time.

    Raises PredictionJobError when the job failed, has another number of records than its input, or
    has no scores though they were asked for.
    """
    result = folder.result()
    assert result is not None, "the job has not ended"
    if result.state != "done":
        raise PredictionJobError(f"prediction {result.state}: {result.reason}")
    wanted = sum(1 for _ in read_jsonl(folder.input))
    records = list(read_jsonl(folder.output))
    if len(records) != wanted:
        raise PredictionJobError(f"{wanted} documents were to be tagged, {len(records)} were")
    if folder.predict_request().scores and not all(record.get("scores") for record in records):
        raise PredictionJobError("the worker made no scores: is it of an older release?")
    for chunk in chunks(records, STORED_AT_ONCE):
        yield list(chunk)


def store(
    session: Session, version_id: int, records: Sequence[Mapping[str, Any]], alive: Iterable[int]
) -> int:
    """Keep a chunk of a job's records as this version's predictions; those we have stay.

    `alive` are the documents that still exist.
    """
    known = set(alive)
    rows = [
        {
            "document_id": int(record["id"]),
            "version_id": version_id,
            "entities": record["entities"],
            "confidence": _probability(record["confidence"]),
            "created_at": now(),
        }
        for record in records
        if int(record["id"]) in known
    ]
    if not rows:
        return 0
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Prediction).on_conflict_do_nothing()
    fresh = set(session.scalars(insert.returning(Prediction.document_id), rows))
    added = [row["entities"] for row in rows if row["document_id"] in fresh]
    project_id = session.get_one(Version, version_id).project_id
    add_counts(session, project_id, Counted.PREDICTION, version_id, (), added)
    return len(rows)


def label_studio_prediction(
    document: Document, prediction: Prediction, version: Version, control: TextControl
) -> dict[str, Any]:
    """A prediction as Label Studio imports it; its score is the document's place in the queue.

    What the version learned under another name is shown under one of the configuration's.
    """
    assert document.queue_number is not None
    entities = [
        Entity.from_dict(record, length=len(document.text)) for record in prediction.entities
    ]
    regions, _ = to_regions(entities, document.text, control, labels_of(version).mapping)
    return {
        "result": regions,
        "score": place(document.queue_number),
        "model_version": version.name,
    }


def label_studio_task(
    document: Document,
    prediction: dict[str, Any] | None,
    control: TextControl,
    batch: int | None = None,
    evidence: str | None = None,
) -> dict[str, Any]:
    """A document as Label Studio imports it, with its prediction and batch where there is one.

    `evidence` is the address of the page that tells why something is predicted.
    """
    task: dict[str, Any] = {"data": {control.text_field: document.text, "goldloop_id": document.id}}
    if batch is not None:
        task["data"][BATCH] = batch
    if evidence is not None:
        task["data"][EVIDENCE] = evidence
    if prediction is not None:
        task["predictions"] = [prediction]
    return task


def _probability(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not 0.0 <= number <= 1.0:
        raise PredictionJobError(f"a confidence must lie in [0, 1], not {value!r}")
    return number
