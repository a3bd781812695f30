"""What reconciliation compares, and how each difference is put right.

A page of Label Studio's tasks is held against what we know: the numbers of tasks, their texts, and
number, `updated_at` and status of annotations. `backend/loop/reconcile.py` takes the pages one by
one; nothing here opens or ends a transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio
from backend.clients.label_studio_wiring import is_our_hook
from backend.db.annotations import (
    KnownAnnotation,
    deleted_before_seen,
    documents_by_task,
    known_annotations,
    known_users,
)
from backend.db.projects import last_reconciliation
from backend.db.tables import (
    AnnotationStatus,
    Document,
    Project,
    Reconciliation,
    TaskState,
    now,
)
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.workflow.gold.origins import Origins, SeenAnnotation, read_annotation
from backend.workflow.gold.record import record_deletion, record_state
from backend.workflow.label_studio.connect import title_of_backend
from backend.workflow.label_studio.project_config import follow_config
from backend.workflow.label_studio.reconcile_report import Report
from backend.workflow.label_studio.tasks import document_of_task, forget_task
from ml_backend.contract.label_studio import parse_label_config


@dataclass(frozen=True, slots=True)
class Ours:
    """What we knew before Label Studio was asked; annotations by document and number."""

    project_id: int
    key: str
    label_studio_id: int
    since: str | None
    tasks: Mapping[int, int]
    annotations: Mapping[tuple[int, int], KnownAnnotation]

    def known(self, task: int, annotation: int) -> KnownAnnotation | None:
        """What we know of an annotation of a task."""
        return self.annotations.get((self.tasks.get(task, 0), annotation))


def what_we_know(session: Session, project_id: int) -> Ours | None:
    """Our side, None while the project has no project in Label Studio."""
    project = session.get_one(Project, project_id)
    if project.label_studio_id is None:
        return None
    return Ours(
        project_id,
        project.key,
        project.label_studio_id,
        project.label_studio_since,
        documents_by_task(session, project_id),
        known_annotations(session, project_id),
    )


def write_no_more(session: Session, ours: Ours) -> None:
    """Leave a project alone that is no longer ours, until somebody connects again."""
    session.get_one(Project, ours.project_id).connected_at = None


def same_config(session: Session, ours: Ours, theirs: Mapping[str, Any]) -> bool:
    """Whether Label Studio has the configuration that we know."""
    project = session.get_one(Project, ours.project_id)
    return project.label_config == theirs.get("label_config")


def mend_config(session: Session, ours: Ours, theirs: Mapping[str, Any], report: Report) -> None:
    """Follow a configuration that was changed in Label Studio."""
    project = locked_project(session, ours.project_id)
    before = project.label_config
    said = follow_config(session, project, theirs)
    if project.label_config != before:
        report.add("configuration_changed", said)
    elif said:
        report.note("configuration", said)


@dataclass(frozen=True, slots=True)
class Difference:
    """A task that is not as we know it, with its annotations that are not."""

    task: Mapping[str, Any]
    annotations: Sequence[Mapping[str, Any]]


def differences(
    session: Session, ours: Ours, page: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """What of one page is new, or not as we know it."""
    unlike = _unlike(session, ours, page)
    seen = {(number, one.updated_at, one.status) for (_, number), one in ours.annotations.items()}
    found = []
    for task in page:
        fresh = [one for one in task.get("annotations", ()) if _key(one) not in seen]
        if fresh or task["id"] in unlike:
            found.append(Difference(task, fresh))
    return found


def emails_of(session: Session, found: Sequence[Difference]) -> dict[int, str]:
    """Addresses of the annotators whom we know already."""
    annotations = [one for difference in found for one in difference.annotations]
    return known_users(
        session,
        {one["completed_by"] for one in annotations if type(one.get("completed_by")) is int},
    )


def thought_deleted(session: Session, ours: Ours, found: Sequence[Difference]) -> dict[int, int]:
    """Annotations of these, with their tasks, that we hold for deleted.

    Also those that we do not know and whose number's deletion was delivered: Label Studio may have
    given the number to another annotation since.
    """
    fresh = [(one["id"], each.task["id"]) for each in found for one in each.annotations]
    if not fresh:
        return {}
    before_seen = deleted_before_seen(session, ours.project_id)
    thought = {}
    for number, task in fresh:
        known = ours.known(task, number)
        gone = number in before_seen if known is None else known.status == AnnotationStatus.DELETED
        if gone:
            thought[number] = task
    return thought


def mend_tasks(
    session: Session,
    ours: Ours,
    found: Sequence[Difference],
    origins: Origins,
    risen: set[int],
    report: Report,
) -> None:
    """Put these tasks right: new ones, those that stand for another text, their annotations.

    The project is held first, as every delivery holds it: otherwise two could wait for each other.
    """
    project = locked_project(session, ours.project_id)
    control = parse_label_config(project.label_config)
    for difference in found:
        number = difference.task["id"]
        try:
            its = document_of_task(session, project, difference.task, control)
        except InvalidInputError as error:
            report.note("tasks without text", str(error))
            continue
        if its.linked:
            report.add("tasks_created" if its.made else "tasks_linked", number)
            report.new_tasks = True
        for seen in _read(difference.annotations, origins, report):
            recorded = record_state(session, its.document, seen, alive=seen.number in risen)
            report.gold_changed |= recorded.gold_changed
            if recorded.news:
                known = ours.annotations.get((its.document.id, seen.number))
                name = "annotations_created" if known is None else "annotations_updated"
                report.add(name, seen.number)


def forget_tasks(session: Session, ours: Ours, gone: Iterable[int], report: Report) -> None:
    """Tasks that Label Studio has no more; their documents keep what people said."""
    for number in sorted(gone):
        document = session.get(Document, ours.tasks[number])
        if document is not None and document.task_id == number:
            forget_task(session, document)
            report.add("tasks_deleted", number)


def unlisted_annotations(
    ours: Ours, listed: Mapping[int, set[int]]
) -> Iterator[tuple[int, int, int]]:
    """Number, task and document of annotations of ours that their task did not show.

    Those of a task that is gone are not among them: they are kept.
    """
    tasks = {document: task for task, document in ours.tasks.items()}
    for (document, number), known in ours.annotations.items():
        task = tasks.get(document)
        if known.status == AnnotationStatus.DELETED or task is None or task not in listed:
            continue
        if number not in listed[task]:
            yield number, task, document


def mend_deletion(session: Session, ours: Ours, number: int, document: int, report: Report) -> None:
    """An annotation that Label Studio has no more."""
    recorded = record_deletion(session, ours.project_id, number, document_id=document)
    if recorded.news:
        report.add("annotations_deleted", number)
        report.gold_changed |= recorded.gold_changed


def mend_hooks(
    label_studio: LabelStudio, ours: Ours, report: Report, *, hook: str, secret: str
) -> None:
    """Exactly one hook of ours, where the project was connected; others are only noted."""
    hooks = label_studio.wiring.webhooks(ours.label_studio_id)
    mine = [one for one in hooks if is_our_hook(one["url"], hook)]
    for other in hooks:
        if other not in mine:
            report.note("foreign hooks", _host(other["url"]))
    if not mine and not _attached(label_studio, ours):
        return
    right = [
        one
        for one in mine
        if one["url"] == hook
        and one["is_active"]
        and one["send_payload"]
        and (one["headers"] or {}).get("Authorization") == f"Bearer {secret}"
    ]
    if len(mine) != 1 or not right:
        label_studio.wiring.ensure_one_webhook(ours.label_studio_id, url=hook, secret=secret)
        report.add("hooks_repaired", f"{len(mine)} hooks, {len(right)} right")


def keep(session: Session, project_id: int, report: Report) -> None:
    """Store the report; of several in a row that found nothing, the last alone is kept."""
    content = report.to_dict()
    session.get_one(Project, project_id).last_sync_at = now()
    last = last_reconciliation(session, project_id)
    if last is not None and not last.report.get("found") and not content["found"]:
        last.report, last.created_at = content, now()
    else:
        session.add(Reconciliation(project_id=project_id, report=content))


def _unlike(session: Session, ours: Ours, page: Sequence[Mapping[str, Any]]) -> set[int]:
    """Tasks of a page that we do not know, or know with another text or as deleted."""
    project = session.get_one(Project, ours.project_id)
    field_name = parse_label_config(project.label_config).text_field
    rows = session.execute(
        select(Document.task_id, Document.text, Document.task_state).where(
            Document.project_id == ours.project_id,
            Document.task_id.in_([task["id"] for task in page]),
        )
    )
    known = {task: text for task, text, state in rows if state != TaskState.DELETED}
    return {
        task["id"]
        for task in page
        if task["id"] not in known or known[task["id"]] != (task.get("data") or {}).get(field_name)
    }


def _key(annotation: Mapping[str, Any]) -> tuple[Any, ...] | None:
    try:
        seen = read_annotation(annotation, Origins())
    except InvalidInputError:
        return None
    return seen.number, seen.updated_at, seen.status


def _read(
    annotations: Iterable[Mapping[str, Any]], origins: Origins, report: Report
) -> Iterator[SeenAnnotation]:
    for annotation in annotations:
        try:
            yield read_annotation(annotation, origins)
        except InvalidInputError as error:
            report.note("unusable annotations", str(error))


def _attached(label_studio: LabelStudio, ours: Ours) -> bool:
    title = title_of_backend(ours.key)
    return any(
        one["title"] == title for one in label_studio.wiring.ml_backends(ours.label_studio_id)
    )


def _host(url: str) -> str:
    """Scheme and host of an address: the rest may be a secret, as in a chat's hook."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
