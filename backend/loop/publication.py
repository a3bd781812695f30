"""A publication from its beginning to its end: led through its steps, or given up."""

import logging
import time

from backend.context import Context
from backend.db import runs, versions
from backend.db.leases import Held, lease
from backend.db.projects import project_by_key
from backend.db.tables import Project, Publication, PublicationState, Version, VersionState, now
from backend.errors import ConflictError, LabelStudioDownError, LabelStudioError, NotFoundError
from backend.loop import publication_steps as steps
from backend.loop.tasks import select_if_stored, tasks_lease
from backend.workflow import publish
from backend.workflow.preannotate import PredictionJobError
from ml_backend.contract.messages import DEFAULT_QUEUE

ADVANCE_RUN = "backend.jobs.advance_run"
JOBS_AFTERWARDS = (
    "backend.jobs.top_up",
    "backend.jobs.preannotate",
    "backend.jobs.autolabel_champion",
)

log = logging.getLogger(__name__)


def begin(context: Context, project_key: str, version_name: str, asked_by: str) -> Publication:
    """Publish a version, be it new or an earlier one (rollback), as far as it can go now."""
    opened = open_for(context, project_key, version_name, asked_by)
    advance(context, opened.id)
    return opened


def open_for(context: Context, project_key: str, version_name: str, asked_by: str) -> Publication:
    """Note that a version is to be published; `advance` does it.

    Raises ConflictError for a version that was refused or while another is being published, and
    NotFoundError for one that is not in the model store.
    """
    with context.database.write() as session:
        found = project_by_key(session, project_key)
        project = versions.locked_project(session, found.id)
        version = versions.version_by_name(session, project.id, version_name)
        if version.state == VersionState.REFUSED:
            raise ConflictError(f"{version_name} was refused at the gate")
        if version_name not in context.models.versions(project_key):
            raise NotFoundError("version in the model store", version_name)
        return publish.open_publication(session, project, version, asked_by)


def begin_promoted(context: Context, project_id: int) -> Publication | None:
    """Publish the newest promoted version that had to wait for another publication's end."""
    with context.database.read() as session:
        if versions.unpublished_promotion(session, project_id) is None:
            return None
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        run = versions.unpublished_promotion(session, project_id)
        if run is None or versions.active_publication(session, project_id) is not None:
            return None
        opened = publish.promote(session, project, run, run.asked_by)
    if opened is not None:
        advance(context, opened.id)
    return opened


def advance(context: Context, publication_id: int) -> PublicationState:
    """Take a publication as far as it can go now; returns its state."""
    publication, project, version = _read(context, publication_id)
    if publication.state in versions.ENDED:
        return PublicationState(publication.state)
    with lease(context.database, tasks_lease(project.id)) as held:
        if held is not None:
            _advance(context, held, publication_id)
    if held is None:
        return PublicationState(publication.state)
    state = PublicationState(_read(context, publication_id)[0].state)
    if held.wanted and state not in versions.ENDED:
        context.queue.ring(DEFAULT_QUEUE, steps.ADVANCE, publication_id)
    if state in versions.ENDED:
        log.info("event=published project=%s version=%s state=%s", project.key, version.name, state)
        for job in JOBS_AFTERWARDS:
            context.queue.ring(DEFAULT_QUEUE, job, project.id, job_id=f"{job}-{project.id}")
        with context.database.read() as session:
            waiting = runs.active_run(session, project.id)
        if waiting is not None:
            context.queue.ring(DEFAULT_QUEUE, ADVANCE_RUN, waiting.id)
    return state


def _advance(context: Context, held: Held, publication_id: int) -> None:
    work = {
        PublicationState.PREDICTING: steps.predict,
        PublicationState.IMPORTING: steps.import_predictions,
        PublicationState.SELECTING: steps.select_version,
        PublicationState.SERVING: steps.serve,
    }
    while True:
        publication, project, version = _read(context, publication_id)
        step = work.get(PublicationState(publication.state))
        if step is None:
            return
        held.renew()
        began = time.monotonic()
        try:
            again = step(context, held, publication, project, version)
        except LabelStudioDownError:
            raise  # worth another try: the tick's
        except (LabelStudioError, PredictionJobError, steps.NotServedError) as error:
            _fail(context, publication, project, str(error))
            return
        log.info(
            "event=publication_step publication=%d step=%s seconds=%.2f",
            publication_id,
            publication.state,
            time.monotonic() - began,
        )
        if not again:
            return


def _fail(context: Context, publication: Publication, project: Project, reason: str) -> None:
    """Give up: the old champion goes on being served and shown."""
    with context.database.read() as session:
        champion = versions.champion(session, session.get_one(Project, project.id))
    if champion is not None:
        wanted = steps.pointer(project, champion)
        if context.models.champion(project.key) != wanted:
            context.models.set_champion(project.key, wanted)
        select_if_stored(context, project, champion.name)
    else:
        context.models.champion_path(project.key).unlink(missing_ok=True)
    with context.database.write() as session:
        versions.locked_project(session, project.id)
        row = session.get_one(Publication, publication.id)
        publish.fail(session, row, reason, now())
    log.error("event=publication_failed publication=%d reason=%r", publication.id, reason)


def _read(context: Context, publication_id: int) -> tuple[Publication, Project, Version]:
    with context.database.read() as session:
        publication = session.get(Publication, publication_id)
        if publication is None:
            raise NotFoundError("publication", publication_id)
        return (
            publication,
            session.get_one(Project, publication.project_id),
            session.get_one(Version, publication.version_id),
        )
