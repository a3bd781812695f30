"""The one sentence that says what to do next, and what the counts below it hold."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.db.document_counts import count_documents, recount_documents
from backend.db.overview import may_roll_back_to
from backend.db.projects import project_by_key, recent_corrections
from backend.db.session import Database
from backend.db.tables import (
    AnnotationState,
    Document,
    Run,
    RunState,
    TaskState,
    Version,
    VersionState,
    now,
)
from backend.db.tables_of_autolabel import Promise, PromiseState
from tests.backend.admin.conftest import SignIn


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def next_step(client: FlaskClient) -> str:
    page = client.get("/projects/general").text
    section = page.split('data-testid="next-step">')[1].split("</section>")[0]
    return " ".join(re.sub("<[^>]+>", " ", section).split())


def end_the_run(filled: Database, state: RunState = RunState.CANCELLED, reason: str = "") -> None:
    with filled.write() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        run.state, run.reason, run.finished_at = state, reason, now()


def test_a_deleted_task_does_not_wait_in_the_pool(curator: FlaskClient, filled: Database) -> None:
    end_the_run(filled)
    with filled.write() as session:
        project = project_by_key(session, "general")
        before = count_documents(session, [project.id])[project.id]
        session.execute(
            update(Document)
            .where(Document.task_state == TaskState.OPEN)
            .values(task_state=TaskState.DELETED)
        )
        session.execute(update(Document).values(task_state=TaskState.DELETED, task_id=None))
        recount_documents(session, project.id)
        after = count_documents(session, [project.id])[project.id]
    assert (after.deleted, after.pool) == (before.open + before.pool + before.skipped, 0)
    assert (after.total, after.gold) == (before.total, before.gold)
    said = next_step(curator)
    assert said.startswith("Next No document waits for a person")
    assert f"{after.deleted:,} documents were deleted" in said
    assert "Task deleted" in curator.get("/projects/general").text


def test_a_waiting_run_says_why_it_waits(curator: FlaskClient, filled: Database) -> None:
    reason = "judged against v2, but v3 is served now: a curator decides"
    end_the_run(filled, RunState.WAITING, reason)
    assert "Judged against v2, but v3 is served now: a curator decides." in next_step(curator)


@pytest.mark.parametrize(
    ("unset", "said"),
    [
        ({"label_studio_id": None, "connected_at": None}, "people cannot see them yet"),
        ({"connected_at": None}, "Nothing is changed in Label Studio"),
    ],
)
def test_a_project_to_connect_names_the_command(
    curator: FlaskClient, filled: Database, unset: dict[str, None], said: str
) -> None:
    end_the_run(filled)
    with filled.write() as session:
        project = project_by_key(session, "general")
        for name, value in unset.items():
            setattr(project, name, value)
    shown = next_step(curator)
    assert said in shown
    assert "goldloop project connect general" in shown


def test_an_annotation_counts_once_in_its_last_state(filled: Database) -> None:
    with filled.write() as session:
        project = project_by_key(session, "general")
        before = recent_corrections(session, project.id)
        states = session.scalars(select(AnnotationState).limit(2)).all()
        for state, status in zip(states, ("submitted", "deleted"), strict=True):
            for minutes in (1, 2):
                session.add(
                    AnnotationState(
                        project_id=project.id,
                        document_id=state.document_id,
                        annotation_id=state.annotation_id,
                        updated_at=state.updated_at + timedelta(minutes=minutes),
                        status=status if minutes == 2 else "submitted",
                        version_name="v3",
                        correction={"kept": 0, "added": 7},
                    )
                )
        session.flush()
        after = recent_corrections(session, project.id)
    edited = sum(state.correction["added"] for state in states)
    assert after.documents == before.documents - 1
    assert after.edits == before.edits - edited + 7


def test_an_adopted_version_has_no_way_back(curator: FlaskClient, filled: Database) -> None:
    with filled.write() as session:
        project = project_by_key(session, "general")
        adopted = Version(
            project_id=project.id,
            name="colleague's",
            state=VersionState.RETIRED,
            figures={"adopted": True},
        )
        session.add(adopted)
        session.flush()
        assert not may_roll_back_to(adopted, project)
    page = curator.get("/projects/general").text
    assert "colleague&#39;s" in page
    assert page.count('data-testid="rollback"') == 2  # v1 and v2


def test_a_promise_that_the_audit_contradicted_is_told(
    curator: FlaskClient, filled: Database
) -> None:
    reason = "of 14 documents that people labelled blind, 8 were exactly right"
    assert "accepted by rule" not in curator.get("/projects/general").text
    with filled.write() as session:
        project = project_by_key(session, "general")
        version = session.scalars(select(Version)).first()
        assert version is not None
        session.add(
            Promise(
                project_id=project.id,
                version_id=version.id,
                p=0.95,
                delta=0.05,
                threshold=0.9,
                state=PromiseState.STOPPED,
                reason=reason,
                signed_by="curator@example.com",
            )
        )
    page = curator.get("/projects/general").text
    assert "Nothing is accepted by rule any more" in page
    assert reason in page
    with filled.write() as session:
        stopped = session.scalars(select(Promise)).one()
        stopped.ended_at = now()
        values = {"p": 0.95, "delta": 0.05, "signed_by": "curator@example.com"}
        its = {"project_id": stopped.project_id, "version_id": stopped.version_id}
        before = Promise(**its, **values, threshold=0.9, state=PromiseState.IN_FORCE)
        before.created_at = stopped.ended_at - timedelta(days=1)
        session.add(before)
    page = curator.get("/projects/general").text
    assert "What an earlier rule had accepted is recalled" in page
    assert reason in page
    with filled.write() as session:
        newest = session.scalars(select(Promise).order_by(Promise.id.desc())).first()
        assert newest is not None
        newest.created_at = now()  # who has signed another since knows of it
    assert "recalled" not in curator.get("/projects/general").text
