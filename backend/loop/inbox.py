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
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from backend.clients.label_studio import LabelStudio
from backend.db.annotations import delete_handled, held_event, waiting_events
from backend.db.session import Database
from backend.db.tables import InboxState, now
from backend.errors import InvalidInputError, LabelStudioDownError
from backend.workflow.label_studio.inbox import Asked, apply, gather, needs
from ml_backend.contract.reasons import reason_of

BATCH = 50
MAX_ATTEMPTS = 10
KEPT = timedelta(days=14)  # of a delivery that was handled
DROPPED = 500  # old deliveries a transaction

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DrainReport:
    """What a drain did."""

    handled: int = 0
    refused: int = 0
    waiting: int = 0
    changed_projects: set[int] = field(default_factory=set)
    new_task_projects: set[int] = field(default_factory=set)


def drop_old(database: Database) -> int:
    """Delete the deliveries that were handled long ago; how many. Refused ones are kept."""
    dropped, before = 0, now() - KEPT
    while True:
        with database.write() as session:
            found = delete_handled(session, before, DROPPED)
        dropped += found
        if found < DROPPED:
            return dropped


def drain(database: Database, label_studio: LabelStudio, *, limit: int = 2000) -> DrainReport:
    """Handle up to `limit` waiting events in their order; see the module's docstring."""
    report = DrainReport()
    last, seen, down = 0, 0, False
    while seen < limit:
        with database.read() as session:
            events = waiting_events(session, last, min(BATCH, limit - seen))
            wanted = [needs(session, event) for event in events]
        if not events:
            break
        last, seen = events[-1].id, seen + len(events)
        for event, need in zip(events, wanted, strict=True):
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
            _handle(database, event.id, asked, report)
    return report


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
        event.reason = reason_of(error)[:500]
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
