"""Publish: make a version the served one. Rollback is the same call.

    predicting → importing → selecting → serving → done

Label Studio is asked what it holds before anything is sent, so each step may run again. The
champion moves last: were it first, every task that is opened would get a second prediction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio
from backend.clients.tagger import MlBackend
from backend.db import runs, versions
from backend.db.audit_log import record
from backend.db.tables import (
    Project,
    Publication,
    PublicationState,
    Run,
    RunState,
    Version,
    VersionState,
)
from backend.errors import ConflictError, TaggerDownError, TaggerError
from backend.workflow.select import queue_number_at

ASKED_SINGLY = 50  # tasks


def open_publication(
    session: Session, project: Project, version: Version, asked_by: str
) -> Publication:
    """Begin a publication; the project's row must be locked.

    Raises ConflictError while another one runs, or when the version is served already.
    """
    active = versions.active_publication(session, project.id)
    if active is not None:
        raise ConflictError(f"publication {active.id} is under way: wait until it has ended")
    if project.champion_id == version.id:
        raise ConflictError(f"{version.name} is served already")
    publication = Publication(project_id=project.id, version_id=version.id, asked_by=asked_by)
    session.add(publication)
    session.flush()
    served = versions.champion(session, project)
    record(
        session,
        asked_by,
        "version.publish",
        project_id=project.id,
        subject=version.name,
        before=served.name if served is not None else None,
        after=version.name,
    )
    return publication


def promote(session: Session, project: Project, run: Run, asked_by: str) -> Publication | None:
    """Publish the version of a promoted run; None when another publication must end first."""
    assert run.version_id is not None
    run.state = RunState.PROMOTED
    if versions.active_publication(session, project.id) is not None:
        return None
    version = session.get_one(Version, run.version_id)
    return open_publication(session, project, version, asked_by)


def refuse(session: Session, run: Run) -> None:
    """The version of a refused run is never served."""
    assert run.version_id is not None
    run.state = RunState.REFUSED
    session.get_one(Version, run.version_id).state = VersionState.REFUSED


def decide(
    session: Session, project: Project, run_id: int, *, promote_it: bool, asked_by: str
) -> Publication | None:
    """A curator's word on a run that waits for one; the publication it begins, if any.

    The project's row must be locked. Raises ConflictError when the run is not the one that waits.
    """
    run = session.get(Run, run_id, with_for_update=True)
    if run is None or run.project_id != project.id or run.state != RunState.WAITING:
        raise ConflictError(f"run {run_id} waits for no decision any more")
    if runs.waiting_run(session, project.id) is not run:
        raise ConflictError(
            f"run {run_id} cannot be decided any more: a later run has been judged since, "
            "and this one was not judged against what came of it"
        )
    decision = "promoted" if promote_it else "refused"
    run.reason = f"{run.reason}; {asked_by} {decision} it"
    record(
        session,
        asked_by,
        "run.decide",
        project_id=project.id,
        subject=f"run {run.id}",
        before=RunState.WAITING,
        after=decision,
    )
    if promote_it:
        return promote(session, project, run, asked_by)
    refuse(session, run)
    return None


@dataclass(slots=True)
class Stored:
    """What Label Studio holds of one version: predictions by task, the oldest first."""

    by_task: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def queue_numbers(self) -> dict[int, int]:
        """The place in the queue that each task's prediction names."""
        return {
            task: queue_number_at(found[0]["score"])
            for task, found in self.by_task.items()
            if found[0]["score"] is not None and 0 < found[0]["score"] < 1
        }

    @property
    def doubles(self) -> list[dict[str, Any]]:
        """Predictions beyond a task's first: the server makes them when a task is opened."""
        return [double for found in self.by_task.values() for double in found[1:]]


def stored(
    label_studio: LabelStudio,
    label_studio_id: int,
    version: str,
    tasks: Collection[int] | None = None,
) -> Stored:
    """Ask Label Studio for a version's predictions, be it of these tasks only; cheap when none.

    The server gives all versions' predictions at once, so a few tasks are asked about singly.
    """
    if not label_studio.model_versions(label_studio_id).get(version):
        return Stored()
    found = Stored()
    if tasks is not None and len(tasks) <= ASKED_SINGLY:
        predictions = [
            prediction
            for task in tasks
            for prediction in label_studio.predictions(label_studio_id, task_id=task)
        ]
    else:
        predictions = label_studio.predictions(label_studio_id)
    for prediction in sorted(predictions, key=lambda prediction: int(prediction["id"])):
        if prediction["model_version"] == version:
            found.by_task.setdefault(int(prediction["task"]), []).append(prediction)
    return found


def not_stored(
    label_studio: LabelStudio, label_studio_id: int, version: str, tasks: Iterable[int]
) -> set[int]:
    """Which of these tasks have no prediction of the version: the count is asked for first."""
    wanted = set(tasks)
    return wanted - stored(label_studio, label_studio_id, version).by_task.keys()


def select_version(label_studio: LabelStudio, label_studio_id: int, version: str) -> str | None:
    """Make Label Studio show a version; returns what it showed before."""
    before = label_studio.project(label_studio_id).get("model_version")
    if before != version:
        label_studio.select_model_version(label_studio_id, version)
    return before if isinstance(before, str) else None


@dataclass(frozen=True, slots=True)
class Serving:
    """Whether the ML backend answers with a version."""

    state: Literal["loaded", "waiting", "failed"]
    reason: str = ""
    down: bool = False  # it could not be asked


def serving(ml_backend: MlBackend, project_key: str, version: str) -> Serving:
    """Ask once; a backend that cannot be reached now is waited for, a failed load is not."""
    try:
        project = ml_backend.health()["projects"].get(project_key) or {}
    except TaggerDownError as error:
        return Serving("waiting", str(error), down=True)
    except TaggerError as error:
        return Serving("failed", str(error))
    if project.get("loaded") == version:
        return Serving("loaded")
    if project.get("champion") == version and project.get("error"):
        return Serving("failed", f"the ML backend could not load {version}: {project['error']}")
    return Serving("waiting", f"the ML backend serves {project.get('loaded')}, not yet {version}")


def crown(session: Session, project: Project, publication: Publication, time: datetime) -> None:
    """The version is served: champion here, the old one retired. The project must be locked."""
    version = session.get_one(Version, publication.version_id)
    old = versions.champion(session, project)
    if old is not None and old.id != version.id:
        old.state, old.deselected_at = VersionState.RETIRED, time
    version.state, version.deselected_at, version.removed_at = VersionState.CHAMPION, None, None
    project.champion_id = version.id
    publication.state, publication.finished_at = PublicationState.DONE, time


def fail(session: Session, publication: Publication, reason: str, time: datetime) -> None:
    """End a publication that did not come to serve its version.

    Its predictions in Label Studio, if any, are removed like those of a retired version.
    """
    publication.state, publication.reason = PublicationState.FAILED, reason
    publication.finished_at = time
    version = session.get_one(Version, publication.version_id)
    version.deselected_at, version.removed_at = time, None


def removable(version: Version, time: datetime, task_lock_ttl: int) -> bool:
    """Whether a version was deselected so long ago that no annotator's task refers to it."""
    assert version.deselected_at is not None
    return version.deselected_at + timedelta(seconds=task_lock_ttl) <= time


def unneeded(
    found: Stored, version: Version, drafts: Mapping[int, datetime], task_lock_ttl: int
) -> list[int]:
    """A retired version's predictions without those that a draft may have begun from.

    Whoever had the task open when the version was deselected may have begun the draft until the
    lock had run out.
    """
    assert version.deselected_at is not None
    border = version.deselected_at + timedelta(seconds=task_lock_ttl)
    return [
        int(prediction["id"])
        for task, predictions in found.by_task.items()
        if task not in drafts or drafts[task] > border
        for prediction in predictions
    ]


def old_doubles(found: Stored, time: datetime, task_lock_ttl: int) -> list[int]:
    """Lazy second predictions that nobody can have open any more, by their number."""
    border = time - timedelta(seconds=task_lock_ttl)
    return [
        int(double["id"])
        for double in found.doubles
        if datetime.fromisoformat(double["created_at"].replace("Z", "+00:00")) <= border
    ]
