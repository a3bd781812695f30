"""Gold is compared with the champion chunk by chunk; Redis is down, the test tags."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.context import Context, open_context
from backend.db.session import Database
from backend.db.tables import Document, GoldSource, Project, now
from backend.db.tables_of_errors import Comparison, DifferingDocument
from backend.db.tables_of_review import Verdict
from backend.errors import ConflictError
from backend.loop import compare_gold, review
from backend.settings import Settings
from backend.workflow.review.kinds import ERRORS
from ml_backend.contract.messages import JobFolder, Result, read_jsonl, write_jsonl
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version

PS = {"start": 0, "end": 1, "label": "PS", "probability": 0.9}
Say = Callable[[dict[str, Any]], list[dict[str, Any]]]


@pytest.fixture
def context(settings: Settings, database: Database) -> Context:
    return open_context(settings)


@pytest.fixture
def project(context: Context, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Five documents with gold and a champion; chunks of two."""
    monkeypatch.setattr(compare_gold, "CHUNK", 2)
    with context.database.write() as session:
        project = add_project(session)
        for document in add_documents(session, project, (f"김서 {n}" for n in range(5))):
            add_gold(session, document)
        project.champion_id = add_version(session, project).id
    context.models.version_folder(project.key, "v1").mkdir(parents=True)
    return project


def tag(context: Context, say: Say) -> int:
    """What the prediction worker would do with the jobs that wait; how many documents."""
    done = 0
    for path in context.settings.jobs.glob("compare-*"):
        folder = JobFolder(path)
        records = list(read_jsonl(folder.input))
        lines = [{"id": one["id"], "entities": say(one), "confidence": 0.5} for one in records]
        done += write_jsonl(folder.output, lines)
        folder.write_result(Result("done"))
    return done


def differ(context: Context) -> int:
    with context.database.read() as session:
        return session.scalar(select(func.count()).select_from(DifferingDocument)) or 0


def test_all_gold_is_compared_and_later_what_changed(context: Context, project: Project) -> None:
    assert compare_gold.wanted(context, project.id)
    sizes = []
    while size := (compare_gold.advance(context, project.id) >= 0 and tag(context, lambda _: [])):
        sizes.append(size)
    assert sizes == [2, 2, 1]
    assert differ(context) == 5
    assert not compare_gold.wanted(context, project.id)
    assert list(context.settings.jobs.glob("compare-*")) == []
    with context.database.write() as session:  # later neither: there is no more
        session.get_one(Comparison, project.id).looked_at = now() - timedelta(hours=1)
    assert not compare_gold.wanted(context, project.id)
    with context.database.write() as session:
        add_gold(session, session.scalars(select(Document)).first())
        row = session.get_one(Comparison, project.id)
        assert row.documents == 5
        row.looked_at = now() - timedelta(hours=1)
    assert compare_gold.wanted(context, project.id)
    compare_gold.advance(context, project.id)
    assert tag(context, lambda _: [PS]) == 1
    assert compare_gold.advance(context, project.id) == 1
    assert differ(context) == 4


def test_a_failed_job_is_told_and_begun_again(context: Context, project: Project) -> None:
    compare_gold.advance(context, project.id)
    (path,) = context.settings.jobs.glob("compare-*")
    JobFolder(path).write_result(Result("failed", "no memory"))
    assert compare_gold.advance(context, project.id) == 0
    with context.database.read() as session:
        assert "no memory" in session.get_one(Comparison, project.id).reason
    assert not compare_gold.wanted(context, project.id)  # not at once
    compare_gold.advance(context, project.id)
    tag(context, lambda _: [])
    assert compare_gold.advance(context, project.id) == 2
    with context.database.read() as session:
        assert session.get_one(Comparison, project.id).reason == ""


def test_gold_that_is_not_compared_is_looked_through_once(
    context: Context, project: Project
) -> None:
    while compare_gold.advance(context, project.id) >= 0 and tag(context, lambda _: []):
        pass

    def an_hour_later() -> None:
        with context.database.write() as session:
            session.get_one(Comparison, project.id).looked_at = now() - timedelta(hours=1)

    with context.database.write() as session:
        row = session.get_one(Project, project.id)
        for document in add_documents(session, row, (f"복사 {n}" for n in range(3))):
            add_gold(session, document, source=GoldSource.COPIED)
    an_hour_later()
    assert compare_gold.wanted(context, project.id)
    assert compare_gold.advance(context, project.id) == 0
    an_hour_later()
    assert not compare_gold.wanted(context, project.id)
    with context.database.write() as session:
        (more,) = add_documents(session, session.get_one(Project, project.id), ["부산"])
        add_gold(session, more)
    assert compare_gold.wanted(context, project.id)
    compare_gold.advance(context, project.id)
    assert tag(context, lambda _: []) == 1


def test_gold_that_changes_while_it_is_tagged_is_compared_as_it_is_then(
    context: Context, project: Project
) -> None:
    compare_gold.advance(context, project.id)
    with context.database.write() as session:
        first, second, *_ = session.scalars(select(Document).order_by(Document.id)).all()
        add_gold(session, first, label="LC")
        session.delete(second.gold)
    tag(context, lambda _: [PS])
    assert compare_gold.advance(context, project.id) == 2
    with context.database.read() as session:
        found = session.scalars(select(DifferingDocument)).all()
        assert [one.document_id for one in found] == [first.id]


def test_gold_that_came_before_an_edit_is_not_passed_over(
    context: Context, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_gold, "CHUNK", 10)
    compare_gold.advance(context, project.id)  # asks for all five
    with context.database.write() as session:
        (added,) = add_documents(session, session.merge(project), ["부산 6"])
        add_gold(session, added)
        third = session.scalars(select(Document).order_by(Document.id).offset(2)).first()
        add_gold(session, third, label="LC")  # the last of all now, and tagged
    while tag(context, lambda _: []):
        compare_gold.advance(context, project.id)
    with context.database.read() as session:
        found = {one.document_id for one in session.scalars(select(DifferingDocument))}
    assert added.id in found
    assert len(found) == 6


def test_without_a_champion_of_ours_nothing_is_compared(context: Context, project: Project) -> None:
    context.models.version_folder(project.key, "v1").rmdir()
    assert compare_gold.advance(context, project.id) == 0
    assert list(context.settings.jobs.glob("compare-*")) == []
    with context.database.write() as session:
        session.get_one(Project, project.id).champion_id = None
    assert not compare_gold.wanted(context, project.id)


def test_a_document_of_an_unconnected_project_cannot_go_back(
    context: Context, project: Project
) -> None:
    compare_gold.advance(context, project.id)
    tag(context, lambda _: [])
    compare_gold.advance(context, project.id)
    with context.database.read() as session:
        found = session.scalars(select(DifferingDocument)).first()
    about = ERRORS, found.document_id, found.gold_revision, Verdict.SENT, "me"
    with pytest.raises(ConflictError, match="not connected"):
        review.decide(context, project.id, *about)
    with context.database.write() as session:
        row = session.get_one(Project, project.id)
        row.label_studio_id, row.connected_at = 5, now()
    review.decide(context, project.id, *about)
    with context.database.read() as session:
        assert session.get_one(Document, found.document_id).queue_number == 1
