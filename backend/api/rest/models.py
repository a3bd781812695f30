"""Models: training runs, and what is decided about them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Id, Json, Key, Page, Paged, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.runs import newest_runs
from backend.db.tables import Run, now
from backend.db.versions import locked_project
from backend.errors import ConflictError, NotFoundError
from backend.loop import training
from backend.opened import opened
from backend.workflow import publish, retrain
from ml_backend.contract.course import CoursePoint, read_course
from ml_backend.contract.messages import DEFAULT_QUEUE, JobFolder

ADVANCE_RUN = "backend.jobs.advance_run"
ADVANCE_PUBLICATION = "backend.jobs.advance_publication"

models = Operations("Models")


class RunTold(Told):
    """A training run: what was asked, and what became of it."""

    id: int
    state: str
    asked_by: str
    reason: str
    options: Json = Field(description="of the trainer, for this run alone")
    gold_revision: int
    gate: Json = Field(description="the decision's numbers")
    version_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class CourseTold(Told):
    """A training step by step; `dev_f1` where dev was looked at."""

    points: list[CoursePoint]


class Choices(Strict):
    """Options of the trainer for one run; what is left out is the project's."""

    encoder: Word | None = None
    head: Literal["crf", "softmax", "bilstm-crf", "bigru-crf", "span", "biaffine"] | None = None
    start: Literal["scratch", "champion"] | None = None
    epochs: Annotated[int | None, Field(ge=1, le=1000)] = None


class Verdict(Strict):
    """A curator's word."""

    promote: bool


@models.get("/projects/{key}/runs")
def list_runs(key: Key, query: Paged) -> Page[RunTold]:
    """Training runs, the newest first."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = newest_runs(session, number, before=query.start or None, limit=query.limit + 1)
        return page(found, query.limit, key=lambda one: one.id, told=RunTold.model_validate)


@models.get("/projects/{key}/runs/{run_id}")
def show_run(key: Key, run_id: Id) -> RunTold:
    """One run."""
    return RunTold.model_validate(_run(key, run_id))


@models.get("/projects/{key}/runs/{run_id}/course")
def run_course(key: Key, run_id: Id) -> CourseTold:
    """Loss and F1 on dev over the steps of a run, while it trains too."""
    folder = _run(key, run_id).folder
    return CourseTold(points=read_course(JobFolder(Path(folder)).course) if folder else [])


@models.post("/projects/{key}/runs", status=202)
def start_run(key: Key, body: Choices) -> RunTold:
    """Train on the gold as it is now; workers do the work.

    While a run is active the wish is kept and the answer is 409.
    """
    options = body.model_dump(exclude_none=True)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        began = retrain.open_run(session, project, asked_by(), options)
    if began.run is None:
        raise ConflictError(began.sentence)
    opened().queue.ring(DEFAULT_QUEUE, ADVANCE_RUN, began.run.id)
    return RunTold.model_validate(began.run)


@models.post("/projects/{key}/runs/{run_id}/retry", status=202)
def retry_run(key: Key, run_id: Id) -> RunTold:
    """Run a failed or cancelled run's frozen snapshot again."""
    _run(key, run_id)
    return RunTold.model_validate(training.retry(opened(), run_id, asked_by()))


@models.post("/projects/{key}/runs/{run_id}/cancel", status=202)
def cancel_run(key: Key, run_id: Id) -> RunTold:
    """Stop a run: at once while it waits, at its next step while it trains."""
    _run(key, run_id)
    with opened().database.write() as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        retrain.cancel(run, JobFolder(Path(run.folder)), now())
        record(
            session, asked_by(), "run.cancel", project_id=run.project_id, subject=f"run {run_id}"
        )
    opened().queue.ring(DEFAULT_QUEUE, ADVANCE_RUN, run_id)
    return RunTold.model_validate(run)


@models.post("/projects/{key}/runs/{run_id}/decision")
def decide_run(key: Key, run_id: Id, body: Verdict) -> RunTold:
    """Promote or refuse the challenger of a run that waits because gate gold was little."""
    _run(key, run_id)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        began = publish.decide(
            session, project, run_id, promote_it=body.promote, asked_by=asked_by()
        )
    if began is not None:
        opened().queue.ring(DEFAULT_QUEUE, ADVANCE_PUBLICATION, began.id)
    return RunTold.model_validate(_run(key, run_id))


def _run(key: str, run_id: int) -> Run:
    with opened().database.read() as session:
        project = project_by_key(session, key)
        run = session.get(Run, run_id)
    if run is None or run.project_id != project.id:
        raise NotFoundError("run", run_id)
    return run
