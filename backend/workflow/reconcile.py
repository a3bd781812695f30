"""Reconcile with Label Studio: everything that it has and we lack, or the reverse.

Webhooks are lost when we are down or slow, and there is none for imported annotations, for a
task's data or for a deleted project. So this compares everything, page by page: the numbers of
tasks, their texts, and number, `updated_at` and status of annotations. Only what differs is
applied, in one short transaction a page, with no transaction open across HTTP. Nothing that seems
gone from a list is believed to be gone before Label Studio was asked for it by number.

The report is kept (`Reconciliation`); `found` names what differed and was put right, so a second
run right after finds nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio, is_our_hook
from backend.db.annotations import (
    KnownAnnotation,
    documents_by_task,
    known_annotations,
    known_users,
)
from backend.db.projects import last_reconciliation
from backend.db.session import Database
from backend.db.tables import (
    AnnotationStatus,
    Document,
    Project,
    Reconciliation,
    TaskState,
    now,
)
from backend.errors import InvalidInputError, LabelStudioDownError, LabelStudioError
from backend.workflow.connect import title_of_backend
from backend.workflow.label_studio_tasks import document_of_task, forget_task
from backend.workflow.origins import Origins, SeenAnnotation, read_annotation, trace
from backend.workflow.project_config import follow_config
from backend.workflow.record import record_deletion, record_state
from ml_backend.contract.label_studio import parse_label_config

PAGE = 250
DETAILS_KEPT = 50
ASK_SINGLY = 20  # missing tasks up to which each is asked for; beyond, all are listed again


@dataclass(slots=True)
class Report:
    """What was compared and what was put right; `gold_changed` and `new_tasks` ask for more."""

    checked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    details: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    gold_changed: bool = False
    new_tasks: bool = False

    def add(self, name: str, detail: Any) -> None:
        """Count one difference; the first of each kind are kept by number."""
        self.found[name] += 1
        if len(self.details[name]) < DETAILS_KEPT:
            self.details[name].append(detail)

    def note(self, name: str, detail: Any) -> None:
        """Keep something that is worth knowing and that nothing is done about."""
        if len(self.notes[name]) < DETAILS_KEPT:
            self.notes[name].append(detail)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "checked": dict(self.checked),
            "found": {name: count for name, count in self.found.items() if count},
            "details": dict(self.details),
            "notes": dict(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Ours:
    """What we knew before Label Studio was asked."""

    project_id: int
    key: str
    label_studio_id: int
    tasks: Mapping[int, int]
    annotations: Mapping[int, KnownAnnotation]


def reconcile(
    database: Database,
    label_studio: LabelStudio,
    project_id: int,
    *,
    hook: str | None = None,
    secret: str = "",
) -> Report:
    """Compare one project with Label Studio and put right what differs.

    `hook` is the address of our hook and `secret` what it must send; hooks are left alone without.
    Raises LabelStudioDownError when Label Studio cannot be asked: silence proves nothing.
    """
    report = Report()
    with database.read() as session:
        ours = _ours(session, project_id)
    if ours is None:
        report.note("not connected", "the project has no project in Label Studio")
        _keep(database, project_id, report)
        return report
    try:
        theirs = label_studio.project(ours.label_studio_id)
    except LabelStudioDownError:
        raise
    except LabelStudioError as error:
        if error.status != 404:
            raise
        report.add("project_missing", ours.label_studio_id)
        _keep(database, project_id, report)
        return report
    _config(database, ours, theirs, report)
    listed: dict[int, set[int]] = {}  # task → its annotations
    pages = label_studio.tasks(ours.label_studio_id)
    while page := list(islice(pages, PAGE)):
        for task in page:
            listed[task["id"]] = {one["id"] for one in task.get("annotations", ())}
        _page(database, label_studio, ours, page, report)
    report.checked["tasks"] = len(listed)
    report.checked["annotations"] = sum(map(len, listed.values()))
    _missing_tasks(database, label_studio, ours, listed, report)
    _missing_annotations(database, label_studio, ours, listed, report)
    if hook is not None:
        _hooks(label_studio, ours, report, hook=hook, secret=secret)
    _keep(database, project_id, report)
    return report


def _ours(session: Session, project_id: int) -> _Ours | None:
    project = session.get_one(Project, project_id)
    if project.label_studio_id is None:
        return None
    return _Ours(
        project_id,
        project.key,
        project.label_studio_id,
        documents_by_task(session, project_id),
        known_annotations(session, project_id),
    )


def _config(database: Database, ours: _Ours, theirs: Mapping[str, Any], report: Report) -> None:
    with database.read() as session:
        same = session.get_one(Project, ours.project_id).label_config == theirs.get("label_config")
    if same:
        return
    with database.write() as session:
        project = session.get_one(Project, ours.project_id)
        before = project.label_config
        said = follow_config(session, project, theirs)
        if project.label_config != before:
            report.add("configuration_changed", said)
        elif said:
            report.note("configuration", said)


def _page(
    database: Database,
    label_studio: LabelStudio,
    ours: _Ours,
    page: Sequence[Mapping[str, Any]],
    report: Report,
) -> None:
    """Put right one page: tasks that are new or stand for another text, annotations that differ."""
    with database.read() as session:
        unlike = _unlike(session, ours, page)
        users = {
            one["completed_by"]
            for task in page
            for one in task.get("annotations", ())
            if type(one.get("completed_by")) is int
        }
        emails = known_users(session, users)
    changed: list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = []
    for task in page:
        fresh = [one for one in task.get("annotations", ()) if _differs(ours, one)]
        if fresh or task["id"] in unlike:
            changed.append((task, fresh))
    if not changed:
        return
    predictions = {
        prediction["id"]: prediction
        for task, fresh in changed
        for prediction in task.get("predictions", ())
        if fresh
    }
    annotations = [one for _, fresh in changed for one in fresh]
    origins = trace(label_studio, annotations, emails=emails, predictions=predictions)
    risen = {
        one["id"]
        for one in annotations
        if _deleted_here(ours, one["id"]) and label_studio.annotation(one["id"]) is not None
    }
    with database.write() as session:
        project = session.get_one(Project, ours.project_id)
        control = parse_label_config(project.label_config)
        for task, fresh in changed:
            try:
                found = document_of_task(session, project, task, control)
            except InvalidInputError as error:
                report.note("tasks without text", str(error))
                continue
            if found.linked:
                report.add("tasks_created" if found.made else "tasks_linked", task["id"])
                report.new_tasks = True
            for seen in _read(fresh, origins, report):
                recorded = record_state(session, found.document, seen, alive=seen.number in risen)
                report.gold_changed |= recorded.gold_changed
                if recorded.news:
                    known = ours.annotations.get(seen.number)
                    report.add(
                        "annotations_created" if known is None else "annotations_updated",
                        seen.number,
                    )


def _unlike(session: Session, ours: _Ours, page: Sequence[Mapping[str, Any]]) -> set[int]:
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


def _differs(ours: _Ours, annotation: Mapping[str, Any]) -> bool:
    known = ours.annotations.get(annotation["id"])
    if known is None:
        return True
    try:
        seen = read_annotation(annotation, Origins())
    except InvalidInputError:
        return True
    return (known.updated_at, known.status) != (seen.updated_at, seen.status)


def _deleted_here(ours: _Ours, annotation: int) -> bool:
    known = ours.annotations.get(annotation)
    return known is not None and known.status == AnnotationStatus.DELETED


def _read(
    annotations: Iterable[Mapping[str, Any]], origins: Origins, report: Report
) -> Iterator[SeenAnnotation]:
    for annotation in annotations:
        try:
            yield read_annotation(annotation, origins)
        except InvalidInputError as error:
            report.note("unusable annotations", str(error))


def _missing_tasks(
    database: Database,
    label_studio: LabelStudio,
    ours: _Ours,
    listed: Mapping[int, set[int]],
    report: Report,
) -> None:
    """Tasks of ours that the list did not show; their documents keep what people said."""
    missing = set(ours.tasks) - set(listed)
    if len(missing) > ASK_SINGLY:
        missing -= {task["id"] for task in label_studio.tasks(ours.label_studio_id)}
    else:
        missing = {number for number in missing if label_studio.task(number) is None}
    if not missing:
        return
    with database.write() as session:
        for number in sorted(missing):
            document = session.get(Document, ours.tasks[number])
            if document is not None and document.task_id == number:
                forget_task(session, document)
                report.add("tasks_deleted", number)


def _missing_annotations(
    database: Database,
    label_studio: LabelStudio,
    ours: _Ours,
    listed: Mapping[int, set[int]],
    report: Report,
) -> None:
    """Annotations of ours that their task no longer has; a deleted task's are kept."""
    tasks = {document: task for task, document in ours.tasks.items()}
    for number, known in ours.annotations.items():
        task = tasks.get(known.document_id)
        if known.status == AnnotationStatus.DELETED or task is None or task not in listed:
            continue
        if number in listed[task] or label_studio.annotation(number) is not None:
            continue
        with database.write() as session:
            recorded = record_deletion(session, ours.project_id, number)
        if recorded.news:
            report.add("annotations_deleted", number)
            report.gold_changed |= recorded.gold_changed


def _hooks(
    label_studio: LabelStudio, ours: _Ours, report: Report, *, hook: str, secret: str
) -> None:
    """Exactly one hook of ours, where the project was connected; others are only noted."""
    hooks = label_studio.webhooks(ours.label_studio_id)
    mine = [one for one in hooks if is_our_hook(one["url"], hook)]
    for other in hooks:
        if other not in mine:
            report.note("foreign hooks", other["url"])
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
        label_studio.ensure_one_webhook(ours.label_studio_id, url=hook, secret=secret)
        report.add("hooks_repaired", f"{len(mine)} hooks, {len(right)} right")


def _attached(label_studio: LabelStudio, ours: _Ours) -> bool:
    title = title_of_backend(ours.key)
    return any(one["title"] == title for one in label_studio.ml_backends(ours.label_studio_id))


def _keep(database: Database, project_id: int, report: Report) -> None:
    """Store the report; of several in a row that found nothing, the last alone is kept."""
    content = report.to_dict()
    with database.write() as session:
        session.get_one(Project, project_id).last_sync_at = now()
        last = last_reconciliation(session, project_id)
        if last is not None and not last.report.get("found") and not content["found"]:
            last.report, last.created_at = content, now()
        else:
            session.add(Reconciliation(project_id=project_id, report=content))
