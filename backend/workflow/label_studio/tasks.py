"""Which document a Label Studio task stands for; tasks made there become documents.

Label Studio on SQLite gives the number of a deleted task to the next new one (seen), and a task's
data can be changed in place without an event. So a number alone proves nothing: a task stands for
a document only while its text is the document's.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.db.annotations import document_by_external_id, document_by_task, group_role
from backend.db.batches import forget_tabs
from backend.db.document_counts import count_added, documents_counted
from backend.db.groups import near_groups, unite_parts
from backend.db.projects import settings_of
from backend.db.tables import Arm, Document, Part, Project, TaskState
from backend.errors import InvalidInputError
from backend.workflow.duplicates.normal_form import group_key
from ml_backend.contract.label_studio import TextControl, task_text


@dataclass(frozen=True, slots=True)
class Found:
    """The document of a task; `linked` when we did not know that they belong together."""

    document: Document
    linked: bool = False
    made: bool = False


def document_of_task(session: Session, project: Project, task: Any, control: TextControl) -> Found:
    """The document that a task stands for, made when there is none.

    Looked for by the task's number, then by `goldloop_id` in its data, then by the name
    `ls-NUMBER` that we give to tasks made in Label Studio. Raises InvalidInputError when the
    task has no text under the project's configuration.
    """
    number = task.get("id") if isinstance(task, dict) else None
    data = task.get("data") if isinstance(task, dict) else None
    data = data if isinstance(data, dict) else {}
    text = task_text(data, control)
    if type(number) is not int or text is None:
        raise InvalidInputError(f"task {number!r:.50} has no text in {control.text_field!r}")
    if not _can_be_kept(text):
        raise InvalidInputError(f"the text of task {number} holds NUL or half a surrogate pair")
    known = document_by_task(session, project.id, number)
    if known is not None and known.text == text:
        if known.task_state == TaskState.DELETED:
            with documents_counted(session, project.id, Document.id == known.id):
                known.task_state = TaskState.OPEN
        return Found(known)
    if known is not None:
        forget_task(session, known)
    document = _by_own_id(session, project, data.get("goldloop_id"), text) or _by_name(
        session, project, number, text
    )
    made = document is None
    if document is None:
        document = _make(session, project, number, text)
    with documents_counted(session, project.id, Document.id == document.id):
        document.task_id = number
        document.task_state = TaskState.OPEN
    return Found(document, linked=True, made=made)


def forget_task(session: Session, document: Document) -> None:
    """Note that a document's task is gone. What people said of it stays, and so does its gold.

    The number is given up, because Label Studio may use it again.
    """
    with documents_counted(session, document.project_id, Document.id == document.id):
        document.task_id = None
        document.task_state = TaskState.DELETED


def forget_project(session: Session, project: Project) -> None:
    """Note that the whole Label Studio project is gone, with every task and tab.

    What was open keeps its place and becomes a task of the next one; gold stays.
    """
    its = update(Document).where(Document.project_id == project.id)
    had_task = its.where(Document.task_id.is_not(None))
    with documents_counted(session, project.id, Document.project_id == project.id):
        session.execute(
            its.where(Document.task_state == TaskState.OPEN).values(
                task_id=None,
                task_state=None,
            )
        )
        session.execute(had_task.values(task_id=None, task_state=TaskState.DELETED))
    forget_tabs(session, project.id)
    project.label_studio_id = project.label_studio_since = None


def _by_own_id(session: Session, project: Project, number: Any, text: str) -> Document | None:
    if type(number) is not int or not 0 < number < 2**63:
        return None
    document = session.get(Document, number)
    if document is None or document.project_id != project.id or document.text != text:
        return None
    # a second task of the same document is a document of its own, a copy that dedupe finds
    return document if document.task_id is None else None


def _by_name(session: Session, project: Project, number: int, text: str) -> Document | None:
    for name in _names(number, text):
        document = document_by_external_id(session, project.id, name)
        if document is not None and document.text == text and document.task_id is None:
            return document
    return None


def _make(session: Session, project: Project, number: int, text: str) -> Document:
    key = group_key(text, settings_of(project).casefold)
    arm, part = group_role(session, project.id, key)
    if part is None:  # somebody chose this text: no copy of it may ever judge a model
        arm, part = Arm.RANKED, Part.TRAIN
        session.execute(
            update(Document)
            .where(Document.project_id == project.id, Document.group_key == key)
            .values(arm=arm, part=part)
        )
        unite_parts(session, project.id, near_groups(session, project.id, [key]).values())
    name = next(
        name
        for name in _names(number, text)
        if document_by_external_id(session, project.id, name) is None
    )
    document = Document(
        project_id=project.id,
        external_id=name,
        text=text,
        meta={},
        group_key=key,
        arm=arm,
        part=part,
    )
    session.add(document)
    session.flush()
    count_added(session, project.id, [document.id])
    return document


def _can_be_kept(text: str) -> bool:
    """Whether both databases take it: JSON may hold what is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _names(number: int, text: str) -> tuple[str, ...]:
    """What a task made in Label Studio is called; the second form when its number was reused."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"ls-{number}", f"ls-{number}-{digest}", f"ls-{number}-{digest}-copy"
