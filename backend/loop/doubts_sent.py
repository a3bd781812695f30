"""A doubt goes back to annotators: the task is reopened, and its data leads back to the doubt."""

from backend.context import Context
from backend.db import versions
from backend.db.tables import Document, Project, TaskState
from backend.db.tables_of_doubts import DoubtDecision
from backend.errors import ConflictError
from backend.workflow import doubts_decisions

DATA_FIELD = "goldloop_doubt"  # of a task: the address of the doubt's page


def send_back(
    context: Context, project_id: int, doubt_id: int, revision: int, by: str
) -> DoubtDecision:
    """Reopen the document's task where it has one, else give it a place in the queue.

    The doubt stays in our queue of what is with people. Raises LabelStudioError, and what the stage
    raises.
    """
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        doubt = doubts_decisions.undecided(session, project, doubt_id, revision)
        document = session.get_one(Document, doubt.document_id)
    if project.writable_id is None:
        raise ConflictError("the project is not connected with Label Studio")
    task_id = document.task_id if document.task_state == TaskState.DONE else None
    data = {DATA_FIELD: doubt_address(context, project.key, doubt_id)}
    if task_id is not None and not context.label_studio.reopen_task(task_id, data):
        raise ConflictError(f"task {task_id} is gone from Label Studio")
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        return doubts_decisions.send_back(session, project, doubt_id, revision, by)


def doubt_address(context: Context, project_key: str, doubt_id: int) -> str:
    """The address of a doubt's page, for people."""
    return f"{context.settings.public_url}/projects/{project_key}/errors/doubts/{doubt_id}"
