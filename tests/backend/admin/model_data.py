"""What trainings leave in their folders, for the versions of the filled project."""

import random
from pathlib import Path

from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Project, Run, Version
from ml_backend.contract.course import CoursePoint, append_point
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_intervals import outcome
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import JobFolder, write_jsonl
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.heads.head import Decoded
from ml_backend.training.reach import Reach
from ml_backend.training.report import report
from tests.backend.admin.filled import _held_out, _tag

SKILLS = {"v1": 0.70, "v2": 0.80, "v3": 0.86, "v4": 0.84}
DOCUMENTS = {"v1": 300, "v2": 700, "v3": 1500, "v4": 1800}


def leave_reports(database: Database, jobs: Path) -> None:
    """A folder with report, outcomes and course for the run of each version of `general`."""
    rng = random.Random(11)
    with database.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        labels = LabelSet(tuple(project.labels))
        gold = _held_out(rng, labels)
        found = select(Run, Version).join(Version, Run.version_id == Version.id)
        for run, version in session.execute(found.where(Version.project_id == project.id)):
            job = JobFolder(jobs / f"run-of-{version.name}")
            job.path.mkdir(parents=True)
            said = [_read(rng, one, SKILLS[version.name], labels) for one in gold]
            job.write_report({"gate": report(gold, said, Reach(len(gold), {})).to_dict()})
            write_jsonl(job.outcomes, _outcomes(gold, said))
            leave_course(job, 400)
            run.folder = str(job.path)
            version.figures = {
                "training": {"documents": DOCUMENTS[version.name], "steps": 400, "epochs": 9.0}
            }


def leave_course(job: JobFolder, steps: int) -> None:
    """A loss that falls and ten looks at dev."""
    for step in range(2, steps + 1, 2):
        looked = 0.85 - 0.5 * 0.98 ** (step / 4) if step % 40 == 0 else None
        append_point(job.course, CoursePoint(step, step / 45, 1 + 20 / step, looked))


def _read(rng: random.Random, document: GoldDocument, skill: float, labels: LabelSet) -> Decoded:
    names = tuple(labels)
    entities = [
        Entity(
            one.start,
            one.end,
            one.label if rng.random() < 0.95 else rng.choice(names),
            round(rng.uniform(0.4, 1), 3),
        )
        for one in _tag(rng, document, skill, labels)
    ]
    return Decoded(entities, round(rng.random(), 3))


def _outcomes(gold: list[GoldDocument], said: list[Decoded]) -> list[dict[str, object]]:
    return [
        {"id": document.id, "gold": "same", "counts": outcome(document.entities, one.entities)}
        for document, one in zip(gold, said, strict=True)
    ]
