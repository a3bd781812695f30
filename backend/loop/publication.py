"""A publication's steps, each of which asks what is there before it sends anything."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from sqlalchemy.orm import Session

from backend.clients.tagger import MlBackend
from backend.context import Context
from backend.db import pool, runs, scores, versions
from backend.db.leases import Held, lease
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import (
    Document,
    Project,
    Publication,
    PublicationState,
    Version,
    VersionState,
    now,
)
from backend.errors import ConflictError, LabelStudioDownError, LabelStudioError, NotFoundError
from backend.loop import predictions
from backend.loop.tasks import (
    deleted,
    predictions_to_show,
    select_if_stored,
    send_predictions,
    tasks_lease,
)
from backend.workflow import preannotate, publish
from backend.workflow.candidates import Ranking, Scoring, scoring_of
from backend.workflow.rank_again import candidates_of_queue, rank_again
from backend.workflow.version_labels import labels_of
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import DEFAULT_QUEUE
from ml_backend.contract.model_store import Champion

IMPORT_ATTEMPTS = 3
SERVING_LOOK = 5.0  # seconds that one call waits for the ML backend
SERVING_LIMIT = 120  # seconds after which a reachable ML backend counts as unable to load

ADVANCE = "backend.jobs.advance_publication"
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
        context.queue.ring(DEFAULT_QUEUE, ADVANCE, publication_id)
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
    steps = {
        PublicationState.PREDICTING: _predict,
        PublicationState.IMPORTING: _import,
        PublicationState.SELECTING: _select,
        PublicationState.SERVING: _serve,
    }
    while True:
        publication, project, version = _read(context, publication_id)
        step = steps.get(PublicationState(publication.state))
        if step is None:
            return
        held.renew()
        began = time.monotonic()
        try:
            again = step(context, held, publication, project, version)
        except LabelStudioDownError:
            raise  # worth another try: the tick's
        except (LabelStudioError, preannotate.PredictionJobError) as error:
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


def _predict(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Have every open document predicted and kept, then rank the queue anew."""
    if project.writable_id is None:  # its tasks are predicted once they may be given predictions
        return _to(context, publication, PublicationState.IMPORTING, ranked=0)
    scoring = scoring_of(settings_of(project))
    with context.database.read() as session:
        documents = pool.open_without_prediction(session, project.id, version.id)
        if scoring.scores:
            documents = scores.open_without_scores(
                session, project.id, version.id, dropout=scoring.dropout_passes > 0
            )
    follow_up = predictions.FollowUp(ADVANCE, publication.id)
    if documents:
        _note_folder(context, publication, project, version, documents, scoring)
        return predictions.have(
            context, project.key, version.id, version.name, documents, follow_up, scoring
        )
    there = publish.stored(context.label_studio, project.writable_id, version.name)
    numbers = there.queue_numbers
    vectors = context.models.vectors_folder(project.key, version.name)
    ranking = Ranking(version.id, settings_of(project).selection, vectors, seed=publication.id)
    with context.database.read() as session:
        kept = _kept(session, project.id, numbers)
        candidates = candidates_of_queue(session, project, ranking, kept)
    best = candidates.in_order()  # in no transaction: others can write meanwhile
    with context.database.write() as session:
        project = versions.locked_project(session, project.id)
        kept = _kept(session, project.id, numbers)
        ids = [document.id for document in pool.open_documents(session, project.id)]
        sure = pool.confidences(session, version.id, ids)
        ranked = rank_again(session, project, sure, kept, best)
        _move(
            session.get_one(Publication, publication.id), PublicationState.IMPORTING, ranked=ranked
        )
    return True


def _kept(session: Session, project_id: int, numbers: Mapping[int, int]) -> dict[int, int]:
    """The queue numbers of open documents, by document, out of those of tasks."""
    return {
        document.id: numbers[document.task_id]
        for document in pool.open_documents(session, project_id)
        if document.task_id is not None and document.task_id in numbers
    }


def _note_folder(
    context: Context,
    publication: Publication,
    project: Project,
    version: Version,
    documents: Sequence[Document],
    scoring: Scoring,
) -> None:
    """Where the prediction job's progress can be read."""
    ids = (document.id for document in documents)
    folder = preannotate.job_folder(context.settings.jobs, project.key, version.name, ids, scoring)
    if publication.folder != str(folder.path):
        with context.database.write() as session:
            session.get_one(Publication, publication.id).folder = str(folder.path)


def _import(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Send what Label Studio lacks of the version's predictions, and count what it has then."""
    number = project.writable_id
    if number is None:
        return _to(context, publication, PublicationState.SELECTING, imported=0)
    control = parse_label_config(project.label_config)
    with context.database.read() as session:
        documents = pool.open_documents(session, project.id)
        said = pool.predictions(session, version.id, [document.id for document in documents])
    ready = {
        document.task_id: document
        for document in documents
        if document.id in said and document.queue_number is not None and document.task_id
    }
    before = publish.stored(context.label_studio, number, version.name)
    lacking = [document for task, document in ready.items() if task not in before.by_task]
    kept = predictions_to_show(context, project, version, [document.id for document in lacking])
    send_predictions(context, held, number, lacking, kept, version, control)
    had = sum(len(found) for found in before.by_task.values())
    has = context.label_studio.model_versions(number).get(version.name, 0)
    imported = int(publication.counts.get("imported", 0)) + len(lacking)
    if has >= had + len(lacking):
        return _to(context, publication, PublicationState.SELECTING, imported=imported)

    gone = publish.not_stored(context.label_studio, number, version.name, ready)
    missing = [task for task in gone if not deleted(context, ready[task], task)]
    attempts = int(publication.counts.get("attempts", 0)) + 1
    if missing and attempts >= IMPORT_ATTEMPTS:
        raise LabelStudioError(
            f"Label Studio kept the predictions of {len(ready) - len(missing)} tasks "
            f"of {len(ready)}, after {attempts} attempts"
        )
    return _to(context, publication, PublicationState.IMPORTING, attempts=attempts)


def _select(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Have Label Studio show the version and serve its order."""
    selected_before = select_if_stored(context, project, version.name)
    return _to(
        context,
        publication,
        PublicationState.SERVING,
        serving_since=now().isoformat(),
        selected_before=publication.counts.get("selected_before") or selected_before,
    )


def _serve(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Move the champion pointer and wait a while for the ML backend to follow it."""
    wanted = _pointer(project, version)
    if context.models.champion(project.key) != wanted:
        context.models.set_champion(project.key, wanted)
    deadline = time.monotonic() + SERVING_LOOK
    with closing(MlBackend(context.settings.ml_backend_url)) as ml_backend:
        while True:
            found = publish.serving(ml_backend, project.key, version.name)
            if found.state != "waiting" or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    if found.state == "waiting" and not found.down and _age(publication) > SERVING_LIMIT:
        found = publish.Serving("failed", f"after {SERVING_LIMIT} s {found.reason}")
    if found.state == "failed":
        _fail(context, publication, project, found.reason)
        return False
    if found.state == "waiting":
        with context.database.write() as session:
            session.get_one(Publication, publication.id).reason = found.reason
        return False
    with context.database.write() as session:
        project = versions.locked_project(session, project.id)
        row = session.get_one(Publication, publication.id)
        row.reason = ""
        publish.crown(session, project, row, now())
    return False


def _fail(context: Context, publication: Publication, project: Project, reason: str) -> None:
    """Give up: the old champion goes on being served and shown."""
    with context.database.read() as session:
        champion = versions.champion(session, session.get_one(Project, project.id))
    if champion is not None:
        wanted = _pointer(project, champion)
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


def _pointer(project: Project, version: Version) -> Champion:
    """What the ML backend has to serve."""
    return Champion(version.name, project.label_config, dict(labels_of(version).mapping))


def _to(
    context: Context, publication: Publication, state: PublicationState, **counts: object
) -> bool:
    with context.database.write() as session:
        _move(session.get_one(Publication, publication.id), state, **counts)
    return True


def _move(publication: Publication, state: PublicationState, **counts: object) -> None:
    publication.state = state
    publication.counts = {**publication.counts, **counts}


def _age(publication: Publication) -> float:
    since = publication.counts.get("serving_since")
    return (now() - now().fromisoformat(since)).total_seconds() if since else 0.0


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
