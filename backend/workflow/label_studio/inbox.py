"""What one event of the inbox means: what to ask before it is applied, and what it changes.

A payload is a hint: what it says counts only where it is newer than what is known (record.py).
`backend/loop/inbox.py` takes the events one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio
from backend.db.annotations import document_by_task, known_users
from backend.db.tables import InboxEvent, Project
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.workflow.gold.origins import Origins, read_annotation, says_all, trace
from backend.workflow.gold.record import record_deletion, record_state
from backend.workflow.label_studio.project_config import follow_config
from backend.workflow.label_studio.tasks import document_of_task, forget_task
from ml_backend.contract.label_studio import parse_label_config


@dataclass(frozen=True, slots=True)
class Applied:
    """What one event came to; `note` is kept with it."""

    gold_changed: bool = False
    new_tasks: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What Label Studio was asked for before an event is applied."""

    origins: Origins = field(default_factory=Origins)
    tasks: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """What an event leaves unsaid."""

    annotations: Sequence[Mapping[str, Any]]
    emails: Mapping[int, str]
    tasks: frozenset[int]
    label_studio_id: int | None = None

    @property
    def asks(self) -> bool:
        """Whether Label Studio has to be asked."""
        return bool(self.tasks) or not all(says_all(one, self.emails) for one in self.annotations)


def needs(session: Session, event: InboxEvent) -> Need:
    """What must be asked for an event; nothing where the payload makes no sense."""
    if not event.action.startswith(("ANNOTATION_", "ANNOTATIONS_CREATED")):
        return Need((), {}, frozenset())
    annotations = _objects(event.payload.get("annotation"))
    users = {one["completed_by"] for one in annotations if type(one.get("completed_by")) is int}
    told = {task.get("id") for task in _objects(event.payload.get("task"))}
    wanted = {one["task"] for one in annotations if type(one.get("task")) is int}
    assert event.project_id is not None
    project = session.get_one(Project, event.project_id)
    known = known_users(session, users)
    return Need(annotations, known, frozenset(wanted - told), project.label_studio_id)


def gather(label_studio: LabelStudio, need: Need) -> Asked:
    """Ask Label Studio for what an event leaves unsaid; HTTP, so outside of transactions."""
    tasks = {}
    for number in need.tasks:
        task = label_studio.task(number, project=need.label_studio_id)
        if task is not None:
            tasks[number] = task
    predictions = {
        prediction["id"]: prediction
        for task in tasks.values()
        for prediction in task.get("predictions", ())
    }
    origins = trace(label_studio, need.annotations, emails=need.emails, predictions=predictions)
    return Asked(origins, tasks)


def apply(session: Session, event: InboxEvent, asked: Asked) -> Applied:
    """Apply one event; raises InvalidInputError when it makes no sense."""
    assert event.project_id is not None
    # first of all: two that hold rows of a project in another order could wait for each other
    project = locked_project(session, event.project_id)
    project.last_event_at = max(project.last_event_at or event.received_at, event.received_at)
    payload = event.payload
    match event.action:
        case "ANNOTATION_CREATED" | "ANNOTATION_UPDATED" | "ANNOTATIONS_CREATED":
            return _annotations(session, project, payload, asked)
        case "ANNOTATIONS_DELETED":
            return _annotations_deleted(session, project, payload)
        case "TASKS_CREATED":
            return _tasks_created(session, project, payload)
        case "TASKS_DELETED":
            return _tasks_deleted(session, project, payload)
        case "PROJECT_UPDATED":
            return Applied(note=follow_config(session, project, payload.get("project")))
        case _:
            raise InvalidInputError(f"nothing is done for the action {event.action!r}")


def _annotations(
    session: Session, project: Project, payload: Mapping[str, Any], asked: Asked
) -> Applied:
    control = parse_label_config(project.label_config)
    tasks = {task["id"]: task for task in _objects(payload.get("task")) if "id" in task}
    changed = made = False
    annotations = _objects(payload.get("annotation"))
    if not annotations:
        raise InvalidInputError("no annotation in the payload")
    unusable: list[str] = []
    for annotation in annotations:
        try:
            seen = read_annotation(annotation, asked.origins)
            task = tasks.get(seen.task) or asked.tasks.get(seen.task)
            if task is None:
                raise InvalidInputError(f"the task of annotation {seen.number} is gone")
            found = document_of_task(session, project, task, control)
        except InvalidInputError as error:  # nothing was written for this one
            unusable.append(str(error))
            continue
        made |= found.made
        changed |= record_state(session, found.document, seen).gold_changed
    if len(unusable) == len(annotations):
        raise InvalidInputError("; ".join(unusable))
    return Applied(gold_changed=changed, new_tasks=made, note="; ".join(unusable)[:500])


def _annotations_deleted(session: Session, project: Project, payload: Mapping[str, Any]) -> Applied:
    changed, unknown = False, []
    for number in _numbers(payload.get("annotations")):
        recorded = record_deletion(session, project.id, number)
        changed |= recorded.gold_changed
        if not recorded.news:
            unknown.append(number)
    # the note keeps a creation that is delivered after its deletion from counting
    return Applied(gold_changed=changed, note=f"not known: {unknown}" if unknown else "")


def _tasks_created(session: Session, project: Project, payload: Mapping[str, Any]) -> Applied:
    control = parse_label_config(project.label_config)
    made, unusable = False, []
    for task in _objects(payload.get("tasks")):
        try:
            made |= document_of_task(session, project, task, control).made
        except InvalidInputError:
            unusable.append(task.get("id"))
    return Applied(new_tasks=made, note=f"tasks without text: {unusable}" if unusable else "")


def _tasks_deleted(session: Session, project: Project, payload: Mapping[str, Any]) -> Applied:
    for number in _numbers(payload.get("tasks")):
        document = document_by_task(session, project.id, number)
        if document is not None:
            forget_task(session, document)
    return Applied()


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """One object or a list of them, as payloads hold them."""
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _numbers(value: Any) -> list[int]:
    return [item["id"] for item in _objects(value) if type(item.get("id")) is int]
