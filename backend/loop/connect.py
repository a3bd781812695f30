"""A project's Label Studio side: made where it is lacking, and compared on request."""

from dataclasses import replace

from backend.context import Context
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.tables import Version, now
from backend.db.versions import locked_project
from backend.loop import inbox
from backend.loop.sync import sync
from backend.workflow.label_studio.connect import (
    Connected,
    connect,
    find_project,
    make_label_studio_project,
)
from backend.workflow.label_studio.reconcile_report import Report
from backend.workflow.label_studio.tasks import forget_project
from ml_backend.contract.messages import DEFAULT_QUEUE

TICK_JOB = "backend.jobs.tick"


def connect_project(context: Context, key: str, *, by: str) -> Connected:
    """Give a project its Label Studio side, as far as it is lacking; the ML backend must run."""
    with context.database.read() as session:
        found = project_by_key(session, key)
        champion = session.get(Version, found.champion_id) if found.champion_id else None
    number, replaced = found.label_studio_id, None
    since = found.label_studio_since
    if number is not None and find_project(context.label_studio, number, since) is None:
        with context.database.write() as session:
            forget_project(session, locked_project(session, found.id))
        number, replaced = None, number
    if number is None:
        number = make_label_studio_project(
            context.label_studio, key=key, name=found.name, label_config=found.label_config
        )
        with context.database.write() as session:
            project_by_key(session, key).label_studio_id = number
    connected = connect(
        context.label_studio,
        context.settings,
        key=key,
        label_studio_id=number,
        champion=champion.name if champion else None,
    )
    with context.database.write() as session:
        project = project_by_key(session, key)
        project.connected_at, project.label_studio_since = now(), connected.since
        before = {"label_studio_project": found.label_studio_id}
        after = {
            "label_studio_project": number,
            "ml_backend": connected.ml_backend_id,
            "webhook": connected.webhook_id,
        }
        record(
            session,
            by,
            "project.connect",
            project_id=project.id,
            subject=key,
            before=before,
            after=after,
        )
    return replace(connected, replaced=replaced)


def sync_project(context: Context, key: str) -> Report:
    """Handle what waits in the inbox, sync one project, and ring for what follows."""
    with context.database.read() as session:
        project_id = project_by_key(session, key).id
    inbox.drain(context.database, context.label_studio)
    report = sync(context, project_id)
    context.queue.ring(DEFAULT_QUEUE, TICK_JOB, job_id="tick")
    return report
