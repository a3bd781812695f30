"""Write deliveries of many requests in few transactions, in the order in which they came.

A request is answered when its delivery is committed. Deliveries that arrive while a transaction
is being committed share the next one: one wait for SQLite's write lock and one flush to disk for
all of them, instead of threads that poll for the lock against each other.
"""

import os
import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import InboxEvent, InboxState, Project
from backend.errors import DatabaseBusyError

TOGETHER = 100  # deliveries in one transaction, at most
PATIENCE = 60.0  # seconds that a request waits for its commit


@dataclass(slots=True)
class Delivery:
    """One delivery on its way into the inbox."""

    project_key: str
    action: str
    payload: dict[str, Any]
    state: InboxState
    reason: str
    event_id: int | None = None  # None after the commit: there is no such project
    error: Exception | None = None
    committed: threading.Event = field(default_factory=threading.Event)


class InboxWriter:
    """One writing thread a process; it starts with the first delivery."""

    def __init__(self, database: Database):
        self._database = database
        self._waiting: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._owner = 0  # process of the running thread: a fork does not inherit it

    def store(self, delivery: Delivery) -> int | None:
        """Commit one delivery; its number, or None when its project does not exist."""
        if self._owner != os.getpid():
            with self._lock:
                if self._owner != os.getpid():
                    self._waiting = queue.SimpleQueue()
                    self._owner = os.getpid()
                    threading.Thread(target=self._run, name="inbox-writer", daemon=True).start()
        self._waiting.put(delivery)
        if not delivery.committed.wait(PATIENCE):
            raise TimeoutError("the inbox could not be written in time")
        if delivery.error is not None:
            raise delivery.error
        return delivery.event_id

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < TOGETHER and not self._waiting.empty():
                batch.append(self._waiting.get())
            try:
                self._write(batch)
            except DatabaseBusyError as error:  # one alone would wait as long
                for delivery in batch:
                    delivery.error = error
            except Exception:  # one of them cannot be written: the others must not suffer
                for delivery in batch:
                    self._write_alone(delivery)
            for delivery in batch:
                delivery.committed.set()

    def _write_alone(self, delivery: Delivery) -> None:
        try:
            self._write([delivery])
        except Exception as error:
            delivery.error = error

    def _write(self, batch: list[Delivery]) -> None:
        keys = {delivery.project_key for delivery in batch}
        with self._database.write() as session:
            rows = session.execute(select(Project.key, Project.id).where(Project.key.in_(keys)))
            ids = {key: number for key, number in rows}
            events = [
                (
                    delivery,
                    InboxEvent(
                        project_id=ids[delivery.project_key],
                        action=delivery.action,
                        payload=delivery.payload,
                        state=delivery.state,
                        reason=delivery.reason,
                    ),
                )
                for delivery in batch
                if delivery.project_key in ids
            ]
            session.add_all(event for _, event in events)
        for delivery, event in events:
            delivery.event_id = event.id
