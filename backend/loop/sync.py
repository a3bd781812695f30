"""Compare a project with Label Studio, mend what differs, and let the copies follow.

Before, once: what an older release has not kept of annotations.
"""

from backend.context import Context
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.loop.copies import sort_copies
from backend.loop.reconcile import reconcile
from backend.workflow.evidence.rejections_of_before import make_rejections
from backend.workflow.label_studio.connect import webhook_url
from backend.workflow.label_studio.reconcile_report import Report


def sync(context: Context, project_id: int) -> Report:
    """Reconcile one project; what was new in Label Studio may be a copy, or change a copy's gold.

    Raises LabelStudioDownError when Label Studio cannot be asked.
    """
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
    if project.rejections_after is not None:
        _make_rejections(context, project_id)
    report = reconcile(
        context.database,
        context.label_studio,
        project_id,
        hook=webhook_url(context.settings, project.key),
        secret=context.settings.webhook_secret.get_secret_value(),
    )
    sort_copies(context.database, project_id)
    return report


def _make_rejections(context: Context, project_id: int) -> None:
    """Make rejections of annotations from before there were any; a broken off one goes on."""
    looked_at = 1
    while looked_at:
        with context.database.write() as session:
            looked_at = make_rejections(session, locked_project(session, project_id))
