"""Compare a project with Label Studio, mend what differs, and let the copies follow."""

from backend.context import Context
from backend.db.tables import Project
from backend.loop.copies import sort_copies
from backend.loop.reconcile import reconcile
from backend.workflow.connect import webhook_url
from backend.workflow.reconcile_report import Report


def sync(context: Context, project_id: int) -> Report:
    """Reconcile one project; what was new in Label Studio may be a copy, or change a copy's gold.

    Raises LabelStudioDownError when Label Studio cannot be asked.
    """
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
    report = reconcile(
        context.database,
        context.label_studio,
        project_id,
        hook=webhook_url(context.settings, project.key),
        secret=context.settings.webhook_secret.get_secret_value(),
    )
    sort_copies(context.database, project_id)
    return report
