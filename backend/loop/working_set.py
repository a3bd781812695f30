"""The tasks that Label Studio holds: topped up from the pool, predicted where they are new."""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from backend.context import Context
from backend.db import pool, versions
from backend.db.batches import batches_of
from backend.db.bulk import is_one_of
from backend.db.document_counts import documents_counted
from backend.db.leases import Held, lease
from backend.db.sharing import is_untold, waiting_count
from backend.db.tables import Document, Project, TaskState, Version, now
from backend.loop import predictions, sharing
from backend.loop.batch_tabs import show_batches
from backend.loop.tasks import (
    predictions_to_show,
    select_if_stored,
    send_predictions,
    tasks_lease,
)
from backend.settings import ProjectSettings
from backend.workflow import preannotate as stage
from backend.workflow import publish, select
from backend.workflow.annotators.sharing import draw
from backend.workflow.autolabels.moves import sent
from backend.workflow.label_studio.instructions import evidence_address
from backend.workflow.selection.candidates import Scoring, scoring_of
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import DEFAULT_QUEUE

TASKS_AT_ONCE = 500  # imported between two commits of their numbers
WITH_EVIDENCE = Scoring(scores=True)  # of what people are shown: each entity's runner-up
PAUSE_AFTER_FAILURE = 300.0  # seconds before a champion that could not predict is asked again

TOP_UP, PREANNOTATE = "backend.jobs.top_up", "backend.jobs.preannotate"

log = logging.getLogger(__name__)


def top_up(context: Context, project_id: int) -> int:
    """Bring the open tasks up to the project's number; returns how many were added."""
    if not _wants_tasks(context, project_id):
        return 0

    def work(held: Held) -> int:
        added = _top_up(context, held, project_id)
        sharing.ask_for_several(context, held, project_id)
        return added

    return _in_turn(context, project_id, work)


def preannotate(context: Context, project_id: int) -> int:
    """Give tasks that came to Label Studio without us the champion's predictions; how many."""
    if not _has_new_tasks(context, project_id):
        return 0
    return _in_turn(context, project_id, lambda held: _preannotate(context, held, project_id))


def _in_turn(context: Context, project_id: int, work: Callable[[Held], int]) -> int:
    """Do what needs the lease of the tasks; 0 when another holds it, who then rings the tick."""
    with lease(context.database, tasks_lease(project_id)) as held:
        done = work(held) if held is not None else 0
    if held is not None and held.wanted:
        context.queue.ring(DEFAULT_QUEUE, "backend.jobs.tick", job_id="periodic-backend.jobs.tick")
    return done


def _wants_tasks(context: Context, project_id: int) -> bool:
    """A cheap look, so that the tick need not take the lease of every project."""
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.writable_id is None:
            return False
        if is_untold(session, project_id):
            return True
        settings = ProjectSettings.model_validate(project.settings)
        if select.missing_tasks(_to_answer(session, project_id), settings) == 0:
            return bool(pool.reserved_documents(session, project_id))
        return pool.is_waiting(session, project_id)


def _to_answer(session: Session, project_id: int) -> int:
    """Open tasks that nobody has answered: those that wait for a second person are not work for
    the first."""
    return pool.open_count(session, project_id) - waiting_count(session, project_id)


def _has_new_tasks(context: Context, project_id: int) -> bool:
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.writable_id is None or project.champion_id is None:
            return False
        return bool(pool.open_unplaced(session, project_id, project.champion_id))


def _top_up(context: Context, held: Held, project_id: int) -> int:
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        champion = versions.champion(session, project)
        settings = ProjectSettings.model_validate(project.settings)
        left_over = pool.reserved_documents(session, project_id)
        missing = select.missing_tasks(_to_answer(session, project_id), settings)
        busy = versions.active_publication(session, project_id) is not None
        candidates: list[Document] = []
        if champion is not None and missing:
            candidates = select.candidates_to_predict(session, project, champion.id, missing)
    if project.writable_id is None or busy:
        return 0
    missing -= len(left_over)
    if left_over:  # an import was broken off: it may have reached Label Studio
        left_over = _link_imported(context, project, left_over)
    follow_up = predictions.FollowUp(TOP_UP, project_id, PAUSE_AFTER_FAILURE)
    scoring = scoring_of(settings)
    if champion is not None and not predictions.have(
        context, project.key, champion.id, champion.name, candidates, follow_up, scoring
    ):
        return 0
    chosen = left_over
    if missing > 0:
        chosen = [*left_over, *_select(context, held, project, champion, missing)]
    if not chosen:
        return 0
    if champion is not None:  # what was drawn at random need not have been a candidate
        with context.database.read() as session:
            kept = pool.predictions(session, champion.id, [document.id for document in chosen])
        lacking = [document for document in chosen if document.id not in kept]
        if not predictions.have(
            context, project.key, champion.id, champion.name, lacking, follow_up, WITH_EVIDENCE
        ):
            return 0
    return _import_tasks(context, held, project, champion, chosen)


def _select(
    context: Context, held: Held, project: Project, champion: Version | None, missing: int
) -> list[Document]:
    """Choose documents; none when the settings or the champion have changed on the way.

    What the strategies want is found out in no transaction: others can write meanwhile.
    """
    candidates = None
    if champion is not None:
        vectors = context.models.vectors_folder(project.key, champion.name)
        with context.database.read() as session:
            fresh = session.get_one(Project, project.id)
            candidates = select.candidates_of_pool(session, fresh, champion.id, vectors)
    best = candidates.in_order(missing) if candidates is not None else []
    held.renew()
    with context.database.write() as session:
        fresh = versions.locked_project(session, project.id)
        if (fresh.champion_id, fresh.settings) != (project.champion_id, project.settings):
            return []
        number = len(candidates) if candidates is not None else 0
        selected = select.select(session, fresh, fresh.champion_id, missing, best, number)
        sent(session, [document.id for document in selected], "working set", now())
        draw(session, fresh, selected)
    return selected


def _import_tasks(
    context: Context,
    held: Held,
    project: Project,
    champion: Version | None,
    documents: Sequence[Document],
) -> int:
    """Send documents with a place in the queue as tasks; their numbers are kept chunk by chunk."""
    assert project.writable_id is not None
    control = parse_label_config(project.label_config)
    with context.database.read() as session:
        chosen_with = batches_of(session, [document.id for document in documents])
    for chunk in pool.chunks(documents, TASKS_AT_ONCE):
        held.renew()
        ids = [document.id for document in chunk]
        kept = predictions_to_show(context, project, champion, ids) if champion is not None else {}
        tasks = []
        for document in chunk:
            prediction = None
            if champion is not None and document.id in kept:
                prediction = stage.label_studio_prediction(
                    document, kept[document.id], champion, control
                )
            batch = chosen_with.get(document.id)
            evidence = evidence_address(context.settings, project.key, document.id)
            tasks.append(stage.label_studio_task(document, prediction, control, batch, evidence))
        numbers = context.label_studio.import_tasks(project.writable_id, tasks)
        _link(context, project.id, dict(zip(ids, numbers, strict=True)))
    if champion is not None:
        select_if_stored(context, project, champion.name)
    show_batches(context, project)
    log.info("event=topped_up project=%s tasks=%d", project.key, len(documents))
    return len(documents)


def _link_imported(
    context: Context, project: Project, documents: Sequence[Document]
) -> list[Document]:
    """Give documents the tasks that Label Studio already has for them; returns the others."""
    assert project.writable_id is not None
    wanted = {document.id: document for document in documents}
    found: dict[int, int] = {}
    for task in context.label_studio.tasks(project.writable_id):
        number = task["data"].get("goldloop_id")
        if number in wanted and wanted[number].text in task["data"].values():
            found.setdefault(number, int(task["id"]))
    _link(context, project.id, found)
    return [document for document in documents if document.id not in found]


def _link(context: Context, project_id: int, tasks: dict[int, int]) -> None:
    """Note the tasks of documents, unless the webhook was quicker."""
    with context.database.write() as session:
        versions.locked_project(session, project_id)
        with documents_counted(session, project_id, is_one_of(session, Document.id, tasks)):
            for document in pool.documents(session, list(tasks)).values():
                if document.task_id is None:
                    document.task_id = tasks[document.id]
                    document.task_state = TaskState.OPEN


def _preannotate(context: Context, held: Held, project_id: int) -> int:
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        champion = versions.champion(session, project)
        busy = versions.active_publication(session, project_id) is not None
        if champion is None or busy or project.writable_id is None:
            return 0
        fresh = pool.open_unplaced(session, project_id, champion.id)
        kept = pool.predictions(session, champion.id, [document.id for document in fresh])
    lacking = [document for document in fresh if document.id not in kept]
    follow_up = predictions.FollowUp(PREANNOTATE, project_id, PAUSE_AFTER_FAILURE)
    if not fresh or not predictions.have(
        context, project.key, champion.id, champion.name, lacking, follow_up, WITH_EVIDENCE
    ):
        return 0
    return _place(context, held, project, champion, [document.id for document in fresh])


def _place(
    context: Context, held: Held, project: Project, champion: Version, ids: Sequence[int]
) -> int:
    """Give documents a place at the end of the queue and their tasks the prediction."""
    assert project.writable_id is not None
    control = parse_label_config(project.label_config)
    with context.database.read() as session:
        documents = list(pool.documents(session, ids).values())
    tasks = [document.task_id for document in documents if document.task_id]
    there = publish.stored(context.label_studio, project.writable_id, champion.name, tasks)
    numbers = there.queue_numbers
    last = max([project.last_queue_number, *numbers.values()])
    for document in documents:  # in memory first: the place counts once the prediction is there
        known = numbers.get(document.task_id or 0)
        if known is not None:
            document.queue_number = known
        elif document.queue_number is None:
            last += 1
            document.queue_number = last
    lacking = [one for one in documents if one.task_id and one.task_id not in there.by_task]
    kept = predictions_to_show(context, project, champion, [one.id for one in lacking])
    send_predictions(context, held, project.writable_id, lacking, kept, champion, control)
    with context.database.write() as session:
        row = versions.locked_project(session, project.id)
        row.last_queue_number = max(row.last_queue_number, last)
        stored = pool.documents(session, ids)
        for document in documents:
            if document.id in stored:
                stored[document.id].queue_number = document.queue_number
    select_if_stored(context, project, champion.name)
    log.info("event=preannotated project=%s tasks=%d", project.key, len(documents))
    return len(documents)
