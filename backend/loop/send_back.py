"""A document whose gold is in doubt goes back to annotators."""

from backend.context import Context
from backend.db import versions
from backend.db.tables import Document, Project, TaskState
from backend.db.tables_of_errors import ErrorDecision
from backend.errors import ConflictError
from backend.workflow import error_decisions


def send_back(
    context: Context, project_id: int, document_id: int, revision: int, by: str
) -> ErrorDecision:
    """Reopen the document's task where it has one, else give it a place in the queue.

    Raises LabelStudioError, and what the stage raises.
    """
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        error_decisions.undecided(session, project, document_id, revision)
        document = session.get_one(Document, document_id)
    if project.writable_id is None:
        raise ConflictError("the project is not connected with Label Studio")
    task_id = document.task_id if document.task_state == TaskState.DONE else None
    if task_id is not None and not context.label_studio.reopen_task(task_id):
        raise ConflictError(f"task {task_id} is gone from Label Studio")
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        return error_decisions.send_back(session, project, document_id, revision, by)
