"""Where a document is looked at in Label Studio."""

from backend.db.tables import Document, Project
from backend.opened import opened


def task_address(project: Project, document: Document) -> str | None:
    """The address of a document's task, for people; None where it has none."""
    settings = opened().settings
    address = settings.label_studio_public_url or settings.label_studio_url
    if not address or project.label_studio_id is None or document.task_id is None:
        return None
    return f"{address}/projects/{project.label_studio_id}/data?task={document.task_id}"
