"""Decisions about the autolabel queue: a few as they were seen, or many at once, and their undo."""

import pytest
from sqlalchemy import select

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db import autolabels
from backend.db.audit_log import audit_entries
from backend.db.session import Database
from backend.db.tables import AnnotationState, AnnotationStatus, Document, Gold, Project, now
from backend.db.tables_of_autolabel import AutolabelState
from backend.errors import ConflictError
from backend.loop import autolabel_decisions
from backend.loop.autolabel_decisions import Decided, Decision, decide, take_back
from backend.settings import Settings
from backend.workflow.correct import Changes
from backend.workflow.evidence import rejections
from ml_backend.contract.entity import Entity
from tests.backend.workflow.autolabels.test_items import put, said, texts
from tests.backend.workflow.loop_data import add_documents, add_project, add_version

BY = "curator@example.com"


@pytest.fixture
def context(settings: Settings, any_database: Database) -> Context:
    """Without Redis: bells are lost, decisions are not."""
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, [*texts(5), *texts(1, random=True)])
        put(
            session, project, add_version(session, project), None, [said(d, 0.5) for d in documents]
        )
    return Context(settings, any_database, JobQueue(settings.redis_address))


def documents(context: Context) -> list[int]:
    with context.database.read() as session:
        return list(session.scalars(select(Document.id).order_by(Document.id)))


def states(context: Context) -> list[str]:
    with context.database.read() as session:
        items = autolabels.items(session, documents(context))
        return [items[number].state for number in sorted(items)]


def test_many_are_decided_about_in_short_transactions_and_undone_as_one(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autolabel_decisions, "AT_ONCE", 2)
    decided = decide(context, "p", Decision.ACCEPT, documents(context), BY, pass_over=True)
    assert (decided.items, decided.passed_over) == (5, 1)  # one is left to chance
    assert states(context) == [*["by_person"] * 5, "pending"]
    assert decided.first is not None
    assert decided.last is not None
    undone = take_back(context, "p", decided.first, decided.last, BY)
    assert (undone.items, undone.kept) == (5, 0)
    assert states(context) == ["pending"] * 6
    with context.database.read() as session:
        entries = audit_entries(session, project_id=session.scalars(select(Project.id)).one())
        told = [(entry.who, entry.action) for entry in reversed(entries)]
    assert told == [(BY, "autolabel.accept")] * 3 + [(BY, "autolabel.undo")] * 3
    again = take_back(context, "p", decided.first, decided.last, BY)
    assert (again.items, again.kept) == (0, 5)


def test_what_was_done_before_a_conflict_is_told_and_undone(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autolabel_decisions, "AT_ONCE", 2)
    *some, last, _random = documents(context)
    decide(context, "p", Decision.SEND, [last], BY)
    decided = decide(context, "p", Decision.ACCEPT, [*some, last], BY)
    assert (decided.items, decided.passed_over) == (4, 1)
    assert decided.stopped == f"document {last} cannot be accepted: it is sent"
    assert states(context) == [*["by_person"] * 4, "sent", "pending"]
    assert decided.first is not None
    assert decided.last is not None
    assert take_back(context, "p", decided.first, decided.last, BY).items == 4
    assert states(context) == [*["pending"] * 4, "sent", "pending"]
    with pytest.raises(ConflictError):  # the first of them: nothing is done
        decide(context, "p", Decision.ACCEPT, [last, *some], BY)
    assert states(context) == [*["pending"] * 4, "sent", "pending"]


def reject_in_a_near_copy(context: Context, number: int) -> None:
    """Somebody removes what the version says of a document from a text that is nearly the same."""
    with context.database.write() as session:
        document = session.get_one(Document, number)
        project = session.get_one(Project, document.project_id)
        (copy,) = add_documents(session, project, [f"{document.text}!"])
        document.near_id = copy.near_id = number
        state = AnnotationState(
            project_id=project.id,
            document_id=copy.id,
            annotation_id=number,
            updated_at=now(),
            status=AnnotationStatus.SUBMITTED,
        )
        session.add(state)
        session.flush()
        gone = Changes([], [], [Entity(0, 2, "PS")], [], [])
        rejections.keep(session, state, copy.text, gone)


def test_what_people_have_rejected_since_is_seen_before_it_is_accepted_and_left_out(
    context: Context,
) -> None:
    first, second, third, *_ = documents(context)
    with context.database.read() as session:
        seen = {first: autolabels.items(session, [first])[first].changed_at}
    reject_in_a_near_copy(context, first)
    for _ in range(2):  # it was not looked at again
        with pytest.raises(ConflictError, match=r"people have rejected|has changed"):
            decide(context, "p", Decision.ACCEPT, [first, second], BY, seen=seen)
    assert states(context)[:2] == ["pending"] * 2
    reject_in_a_near_copy(context, third)
    many = decide(context, "p", Decision.ACCEPT, [second, third], BY, pass_over=True)
    assert (many.items, many.passed_over) == (1, 1)
    assert decide(context, "p", Decision.ACCEPT, [first], BY).items == 1
    with context.database.read() as session:
        assert session.get_one(Gold, first).entities == []
        assert len(session.get_one(Gold, second).entities) == 1
        assert session.get(Gold, third) is None


def test_nothing_is_done_when_one_of_them_is_not_as_it_was_seen(context: Context) -> None:
    first, second, *_ = documents(context)
    with context.database.read() as session:
        items = autolabels.items(session, [first, second])
        seen = {number: item.changed_at for number, item in items.items()}
    decide(context, "p", Decision.REJECT, [second], "another@example.com", seen=seen)
    with pytest.raises(ConflictError, match=f"document {second} has changed meanwhile"):
        decide(context, "p", Decision.ACCEPT, [first, second], BY, seen=seen)
    assert states(context)[:2] == [AutolabelState.PENDING, AutolabelState.REJECTED]


def test_with_nothing_left_to_decide_nothing_happens(context: Context) -> None:
    *_, random = documents(context)
    assert decide(context, "p", Decision.SEND, [random], BY, pass_over=True) == Decided(0, 1)
    with pytest.raises(ConflictError, match="only chance may choose it"):
        decide(context, "p", Decision.SEND, [random], BY)
