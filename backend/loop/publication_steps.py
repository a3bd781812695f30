"""What a publication's steps do: predict, import, select, serve; each asks what is there first.

A step returns whether the next can follow at once; else it is tried again.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from sqlalchemy.orm import Session

from backend.clients.tagger import MlBackend
from backend.context import Context
from backend.db import pool, scores, versions
from backend.db.leases import Held
from backend.db.projects import settings_of
from backend.db.tables import Document, Project, Publication, PublicationState, Version, now
from backend.errors import GoldloopError, LabelStudioError
from backend.loop import predictions
from backend.loop.tasks import deleted, predictions_to_show, select_if_stored, send_predictions
from backend.workflow import preannotate, publish
from backend.workflow.selection.candidates import Ranking, Scoring, scoring_of
from backend.workflow.selection.rank_again import candidates_of_queue, rank_again
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.model_store import Champion

ADVANCE = "backend.jobs.advance_publication"
IMPORT_ATTEMPTS = 3
SERVING_LOOK = 5.0  # seconds that one call waits for the ML backend
SERVING_LIMIT = 120  # seconds after which a reachable ML backend counts as unable to load


class NotServedError(GoldloopError):
    """The ML backend cannot load the version; the message says why."""


def predict(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Have every open document predicted and kept, then rank the queue anew."""
    if project.writable_id is None:  # its tasks are predicted once they may be given predictions
        return _to(context, publication, PublicationState.IMPORTING, ranked=0)
    scoring = scoring_of(settings_of(project))
    dropout = scoring.dropout_passes > 0
    with context.database.read() as session:
        if scoring.scores:
            documents = scores.open_without_scores(session, project.id, version.id, dropout=dropout)
        else:
            documents = pool.open_without_prediction(session, project.id, version.id)
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


def import_predictions(
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


def select_version(
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


def serve(
    context: Context, held: Held, publication: Publication, project: Project, version: Version
) -> bool:
    """Move the champion pointer and wait a while for the ML backend to follow it."""
    wanted = pointer(project, version)
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
        raise NotServedError(found.reason)
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


def pointer(project: Project, version: Version) -> Champion:
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
