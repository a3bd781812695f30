"""Handle what Label Studio's webhook delivered, one event at a time.

`drain` is what the job calls. It alternates: read some waiting events (short transaction), ask
Label Studio for what they do not say (no transaction), apply each event in a transaction of its
own. So an event that fails does not hold up the rest, two drains at once do no harm, and a drain
that dies has lost nothing. What follows (is a retrain due? do new tasks need predictions?) is the
job's, from the report:

    report = inbox.drain(database, label_studio)
    report.changed_projects     projects whose gold changed
    report.new_task_projects    projects with tasks made in Label Studio that need predictions
    report.waiting              events that were left because Label Studio is down, or failed

A payload is a hint: what it says counts only where it is newer than what is known (record.py).
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio
from backend.db.annotations import (
    document_by_task,
    held_event,
    known_users,
    waiting_events,
)
from backend.db.session import Database
from backend.db.tables import InboxEvent, InboxState, Project, now
from backend.errors import InvalidInputError, LabelStudioDownError
from backend.workflow.label_studio_tasks import document_of_task, forget_task
from backend.workflow.origins import Origins, read_annotation, says_all, trace
from backend.workflow.project_config import follow_config
from backend.workflow.record import record_deletion, record_state
from ml_backend.contract.label_studio import parse_label_config

BATCH = 50
MAX_ATTEMPTS = 10

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DrainReport:
    """What a drain did."""

    handled: int = 0
    refused: int = 0
    waiting: int = 0
    changed_projects: set[int] = field(default_factory=set)
    new_task_projects: set[int] = field(default_factory=set)


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


def drain(database: Database, label_studio: LabelStudio, *, limit: int = 2000) -> DrainReport:
    """Handle up to `limit` waiting events in their order; see the module's docstring."""
    report = DrainReport()
    last, seen, down = 0, 0, False
    while seen < limit:
        with database.read() as session:
            events = waiting_events(session, last, min(BATCH, limit - seen))
            needs = [_needs(session, event) for event in events]
        if not events:
            break
        last, seen = events[-1].id, seen + len(events)
        for event, need in zip(events, needs, strict=True):
            if need.asks and down:
                report.waiting += 1
                continue
            try:
                asked = gather(label_studio, need)
            except LabelStudioDownError as error:
                log.warning("event=label_studio_down inbox=%s error=%s", event.id, error)
                down = True
                report.waiting += 1
                continue
            except Exception as error:
                _failed(database, event.id, error, report)
                continue
            began = time.monotonic()
            _handle(database, event.id, asked, report)
            database.give_way(time.monotonic() - began)
    return report


@dataclass(frozen=True, slots=True)
class Need:
    """What an event leaves unsaid."""

    annotations: Sequence[Mapping[str, Any]]
    emails: Mapping[int, str]
    tasks: frozenset[int]

    @property
    def asks(self) -> bool:
        """Whether Label Studio has to be asked."""
        return bool(self.tasks) or not all(says_all(one, self.emails) for one in self.annotations)


def gather(label_studio: LabelStudio, need: Need) -> Asked:
    """Ask Label Studio for what an event leaves unsaid; HTTP, so outside of transactions."""
    tasks = {}
    for number in need.tasks:
        task = label_studio.task(number)
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
    project = session.get_one(Project, event.project_id)
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


def _needs(session: Session, event: InboxEvent) -> Need:
    """What must be asked for an event; nothing where the payload makes no sense."""
    if not event.action.startswith(("ANNOTATION_", "ANNOTATIONS_CREATED")):
        return Need((), {}, frozenset())
    annotations = _objects(event.payload.get("annotation"))
    users = {one["completed_by"] for one in annotations if type(one.get("completed_by")) is int}
    told = {task.get("id") for task in _objects(event.payload.get("task"))}
    wanted = {one["task"] for one in annotations if type(one.get("task")) is int}
    return Need(annotations, known_users(session, users), frozenset(wanted - told))


def _handle(database: Database, event_id: int, asked: Asked, report: DrainReport) -> None:
    try:
        with database.write() as session:
            event = held_event(session, event_id)
            if event is None:
                return
            applied = apply(session, event, asked)
            event.state, event.reason = InboxState.DONE, applied.note
            event.attempts += 1
            event.handled_at = now()
            project_id = event.project_id
    except InvalidInputError as error:
        _refuse(database, event_id, str(error))
        report.refused += 1
        return
    except Exception as error:
        _failed(database, event_id, error, report)
        return
    assert project_id is not None
    report.handled += 1
    if applied.gold_changed:
        report.changed_projects.add(project_id)
    if applied.new_tasks:
        report.new_task_projects.add(project_id)


def _failed(database: Database, event_id: int, error: Exception, report: DrainReport) -> None:
    """Count the attempt; after `MAX_ATTEMPTS` the event is refused and reconciliation decides."""
    log.error("event=inbox_failed inbox=%s", event_id, exc_info=error)
    with database.write() as session:
        event = held_event(session, event_id)
        if event is None:
            return
        event.attempts += 1
        event.reason = f"{type(error).__name__}: {error}"[:500]
        if event.attempts < MAX_ATTEMPTS:
            report.waiting += 1
            return
        event.state, event.handled_at = InboxState.REFUSED, now()
    report.refused += 1


def _refuse(database: Database, event_id: int, reason: str) -> None:
    log.warning("event=inbox_refused inbox=%s reason=%s", event_id, reason)
    with database.write() as session:
        event = held_event(session, event_id)
        if event is not None:
            event.state, event.reason, event.handled_at = InboxState.REFUSED, reason[:500], now()
            event.attempts += 1


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """One object or a list of them, as payloads hold them."""
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _numbers(value: Any) -> list[int]:
    return [item["id"] for item in _objects(value) if type(item.get("id")) is int]
