"""A project connected with the real Label Studio, its hook delivering to a real server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, make_server

from backend.api.webhooks import webhooks
from backend.clients.label_studio import LabelStudio
from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Document, Gold, InboxEvent, Project
from backend.loop import inbox
from backend.loop.reconcile import reconcile
from backend.opened import keep_open
from backend.settings import Settings
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.label_studio.reconcile_report import Report
from backend.workflow.projects.create import create_project

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
TEXTS = ["😀김철수는 서울에 산다", "박영희가 부산에 갔다", "아무도 없다", "이순신 장군", "넷째 글"]


def region(start: int, end: int, label: str, name: str = "") -> dict[str, Any]:
    return {
        "id": name or f"{start}-{end}",
        "type": "labels",
        "from_name": "label",
        "to_name": "text",
        "value": {"start": start, "end": end, "labels": [label]},
    }


@dataclass
class Receiver:
    """One project and the server that Label Studio delivers its events to."""

    database: Database
    settings: Settings
    client: LabelStudio
    key: str
    server: BaseWSGIServer
    label_studio_id: int = 0

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/webhooks/{self.key}"

    @property
    def secret(self) -> str:
        return self.settings.webhook_secret.get_secret_value()

    def listen(self) -> None:
        """Set our hook."""
        self.client.wiring.ensure_one_webhook(
            self.label_studio_id, url=self.hook, secret=self.secret
        )

    def fall_silent(self) -> None:
        """Remove every hook: what happens from now on is missed."""
        for hook in self.client.wiring.webhooks(self.label_studio_id):
            self.client._call("DELETE", f"api/webhooks/{hook['id']}/")

    def drain(self) -> inbox.DrainReport:
        return inbox.drain(self.database, self.client)

    def reconcile(self) -> Report:
        return reconcile(
            self.database, self.client, self.project.id, hook=self.hook, secret=self.secret
        )

    @property
    def project(self) -> Project:
        with self.database.read() as session:
            return project_by_key(session, self.key)

    def documents(self) -> list[Document]:
        with self.database.read() as session:
            return list(session.scalars(select(Document).order_by(Document.id)))

    def document(self, task: int) -> Document | None:
        with self.database.read() as session:
            return session.scalars(select(Document).where(Document.task_id == task)).one_or_none()

    def gold(self, document: Document) -> list[tuple[int, int, str]] | None:
        with self.database.read() as session:
            gold = session.get(Gold, document.id)
        return [(e["start"], e["end"], e["label"]) for e in gold.entities] if gold else None

    def events(self) -> list[InboxEvent]:
        with self.database.read() as session:
            return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))

    def send(self) -> list[int]:
        """Import every document without a task into Label Studio; the tasks' numbers."""
        documents = [one for one in self.documents() if one.task_id is None]
        return self.client.import_tasks(
            self.label_studio_id,
            [{"data": {"text": one.text, "goldloop_id": one.id}} for one in documents],
        )


@contextmanager
def receiver(database: Database, settings: Settings, client: LabelStudio) -> Iterator[Receiver]:
    """A project of five documents, in Label Studio without tasks, the hook set."""
    app = Flask(__name__)
    queue = JobQueue(settings.redis_address)
    keep_open(app, Context(settings, database, queue))
    app.register_blueprint(webhooks)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = Receiver(database, settings, client, "news", server)
    found.label_studio_id = client.create_project("news", CONFIG)
    with database.write() as session:
        project = create_project(session, "news", "News", CONFIG, by="x")
        project.label_studio_id = found.label_studio_id
        for number, text in enumerate(TEXTS):
            session.add(
                Document(
                    project_id=project.id,
                    external_id=f"d{number}",
                    text=text,
                    group_key=group_key(text),
                )
            )
    found.listen()
    try:
        yield found
    finally:
        server.shutdown()
        found.fall_silent()
