"""A project's tasks and predictions in Label Studio, written by one process at a time."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from backend.context import Context
from backend.db import autolabels, pool
from backend.db.leases import Held
from backend.db.tables import Document, Prediction, Project, Version
from backend.errors import LabelStudioError
from backend.workflow import preannotate, publish
from backend.workflow.evidence import rejections
from backend.workflow.label_studio.tasks import forget_task
from ml_backend.contract.label_studio import TextControl

SENT_AT_ONCE = 2000  # predictions; between two renewals of the lease


def tasks_lease(project_id: int) -> str:
    """The lease under which a project's tasks and predictions in Label Studio are written."""
    return f"tasks-{project_id}"


def predictions_to_show(
    context: Context, project: Project, version: Version, document_ids: Sequence[int]
) -> dict[int, Prediction]:
    """A version's predictions of documents that are about to be sent, as people are to see them."""
    with context.database.write() as session:
        rejections.mark(session, project, version, document_ids)
        return autolabels.shown(session, pool.predictions(session, version.id, document_ids))


def send_predictions(
    context: Context,
    held: Held,
    number: int,
    documents: Sequence[Document],
    kept: Mapping[int, Prediction],
    version: Version,
    control: TextControl,
) -> None:
    """Give tasks their predictions in Label Studio.

    It refuses a whole chunk for one task that was deleted: such tasks are found out and left.
    """
    for chunk in pool.chunks(documents, SENT_AT_ONCE):
        held.renew()
        items = [
            {"task": document.task_id}
            | preannotate.label_studio_prediction(document, kept[document.id], version, control)
            for document in chunk
        ]
        try:
            context.label_studio.import_predictions(number, items)
        except LabelStudioError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            gone = _gone(context, number, chunk)
            if not gone:
                raise
            alive = [item for item in items if item["task"] not in gone]
            context.label_studio.import_predictions(number, alive)


def select_if_stored(context: Context, project: Project, version: str) -> str | None:
    """Select a version in Label Studio if it holds any prediction of it; what was selected."""
    number = project.writable_id
    if number is None or not context.label_studio.model_versions(number).get(version):
        return None
    return publish.select_version(context.label_studio, number, version)


def deleted(context: Context, document: Document, task: int) -> bool:
    """Whether the document's project in Label Studio has lost the task; then we know it too."""
    with context.database.read() as session:
        number = session.get_one(Project, document.project_id).label_studio_id
    if context.label_studio.task(task, project=number) is not None:
        return False
    with context.database.write() as session:
        forget_task(session, session.get_one(Document, document.id))
    return True


def _gone(context: Context, number: int, documents: Sequence[Document]) -> set[int]:
    """The tasks of these documents that Label Studio has no more; we forget them."""
    listed = {int(task["id"]) for task in context.label_studio.tasks(number)}
    return {
        document.task_id
        for document in documents
        if document.task_id is not None
        and document.task_id not in listed
        and deleted(context, document, document.task_id)
    }
