"""What a training leaves in its job folder for people to look at: its course and its report."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ml_backend.contract.course import CoursePoint, append_point
from ml_backend.contract.label_intervals import outcome
from ml_backend.contract.messages import JobFolder, write_jsonl
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.model import Model
from ml_backend.training.fit import Step
from ml_backend.training.reach import reach
from ml_backend.training.reliability import Readings
from ml_backend.training.report import report

POINTS = 200  # of a course, besides its looks at dev


def note_step(job: JobFolder, step: Step) -> None:
    """Add a step to the course: a look at dev always, of the others so many as can be drawn."""
    every = max(1, step.steps // POINTS)
    if step.looked is not None or step.step % every == 0 or step.step in (1, step.steps):
        append_point(job.course, CoursePoint(step.step, step.epoch, step.loss, step.looked))


def write_report(
    job: JobFolder, model: Model, parts: Mapping[str, tuple[Sequence[GoldDocument], Readings]]
) -> None:
    """Write what the version said of each part of gold, and what became of each gate document.

    Parts without documents are left out.
    """
    job.write_report(
        {
            part: report(documents, readings, reach(model, documents)).to_dict()
            for part, (documents, readings) in parts.items()
            if documents
        }
    )
    write_jsonl(job.outcomes, _outcomes(*parts["gate"]))


def _outcomes(documents: Sequence[GoldDocument], readings: Readings) -> Iterator[dict[str, Any]]:
    for document, reading in zip(documents, readings, strict=True):
        counts = outcome(document.entities, document.judged(reading.entities))
        yield {"id": document.id, "gold": _name_of_gold(document), "counts": counts}


def _name_of_gold(document: GoldDocument) -> str:
    """Sixteen hexadecimal digits: equal where two snapshots hold the same gold of a document."""
    record = document.to_dict()
    content = json.dumps([record["entities"], record.get("not_annotated")], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
