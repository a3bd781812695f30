"""What curators decide where gold may be wrong, and what becomes of it, on both databases."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import differences
from backend.db.differences import Wanted
from backend.db.gold import remove_gold
from backend.db.session import Database
from backend.db.tables import Gold, GoldSource, Project, TaskState, now
from backend.db.tables_of_access import AuditEntry
from backend.db.tables_of_review import Verdict
from backend.errors import ConflictError, NotFoundError
from backend.workflow.review import decide as review
from backend.workflow.review.compare_gold import begin, compare
from backend.workflow.review.kinds import ERRORS, Decision
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version
from tests.backend.workflow.review.test_compare_gold import LC, compared, listed, said


def connect(project: Project) -> None:
    project.label_studio_id, project.connected_at = 5, now()


def decide(
    session: Session,
    project: Project,
    number: int,
    revision: int,
    verdict: Verdict,
    by: str = "me",
) -> Decision:
    return review.decide(session, project, ERRORS, number, revision, verdict, by)


def test_gold_that_is_right_is_not_shown_again_until_it_changes(any_database: Database) -> None:
    with any_database.write() as session:
        project, version, documents = compared(session)
        other = documents[1]
        revision = session.get_one(Gold, other.id).revision
        decision = decide(session, project, other.id, revision, Verdict.GOLD)
        assert other.id not in listed(session, project, Wanted())
        with pytest.raises(ConflictError, match="me has decided already: the gold is right"):
            decide(session, project, other.id, revision, Verdict.MODEL, "you")
        assert ("label", "PS") not in differences.difference_counts(session, project.id)
        assert compare(session, project, version, said(documents)) == 4
        assert other.id not in listed(session, project, Wanted())  # though it is found again
        add_gold(session, other)
        assert compare(session, project, version, said(documents)) == 4
        assert other.id in listed(session, project, Wanted())
        review.undo(session, project, ERRORS, decision.id, "me")
        with pytest.raises(ConflictError, match="taken back already"):
            review.undo(session, project, ERRORS, decision.id, "me")
        actions = [entry.action for entry in session.scalars(select(AuditEntry))]
        assert "review.decide" in actions
        assert "review.undo" in actions


def test_what_is_taken_back_is_shown_under_a_later_champion_too(any_database: Database) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        other = documents[1]
        revision = session.get_one(Gold, other.id).revision
        decision = decide(session, project, other.id, revision, Verdict.GOLD)
        later = add_version(session, project, "v2")
        begin(session, project, later)
        compare(session, project, later, said(documents))
        assert other.id not in listed(session, project, Wanted())
        assert ("label", "PS") not in differences.difference_counts(session, project.id)
        review.undo(session, project, ERRORS, decision.id, "me")
        assert other.id in listed(session, project, Wanted())
        assert differences.difference_counts(session, project.id)["label", "PS"] == 1


def test_what_the_model_says_becomes_gold_of_copies_too_and_is_undone(
    any_database: Database,
) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        other = documents[1]
        copy = add_documents(session, project, [other.text + " "])[0]
        copy.group_key, copy.text = other.group_key, other.text
        session.flush()
        before = session.get_one(Gold, other.id)
        revision, was = before.revision, before.entities
        decision = decide(session, project, other.id, revision, Verdict.MODEL)
        for one in (other, copy):
            gold = session.get_one(Gold, one.id)
            assert (gold.entities, gold.source) == ([LC], GoldSource.DECISION)
        assert other.id not in listed(session, project, Wanted())
        review.undo(session, project, ERRORS, decision.id, "me")
        after = session.get(Gold, other.id)
        assert after is None or after.entities == was
        assert session.get(Gold, copy.id) is None


def test_a_document_goes_back_to_people_and_is_taken_from_the_queue_again(
    any_database: Database,
) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        connect(project)
        wider = documents[2]
        revision = session.get_one(Gold, wider.id).revision
        decision = decide(session, project, wider.id, revision, Verdict.SENT)
        assert wider.queue_number == project.last_queue_number == 1
        assert review.may_undo(wider, decision)
        assert wider.id not in listed(session, project, Wanted())
        review.undo(session, project, ERRORS, decision.id, "me")
        assert wider.queue_number is None
        again = decide(session, project, wider.id, revision, Verdict.SENT)
        wider.task_id, wider.task_state = 7, TaskState.OPEN
        assert not review.may_undo(wider, again)
        with pytest.raises(ConflictError, match="with people already"):
            review.undo(session, project, ERRORS, again.id, "me")


def test_a_place_that_a_decision_did_not_give_outlives_its_undoing(any_database: Database) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        connect(project)
        wider, none = documents[2:4]
        project.last_queue_number = wider.queue_number = 4  # for the audit of the rule
        revisions = [session.get_one(Gold, one.id).revision for one in (wider, none)]
        decision = decide(session, project, wider.id, revisions[0], Verdict.SENT)
        review.undo(session, project, ERRORS, decision.id, "me")
        assert wider.queue_number == 4
        decision = decide(session, project, none.id, revisions[1], Verdict.SENT)
        none.queue_number = 9  # given up meanwhile, and another was given
        review.undo(session, project, ERRORS, decision.id, "me")
        assert none.queue_number == 9


def test_gold_that_changed_meanwhile_is_not_decided_about(any_database: Database) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        revision = session.get_one(Gold, documents[1].id).revision
        add_gold(session, documents[1])
        assert documents[1].id not in listed(session, project, Wanted())
        with pytest.raises(ConflictError, match="changed meanwhile"):
            decide(session, project, documents[1].id, revision, Verdict.GOLD)
        with pytest.raises(NotFoundError):
            decide(session, project, documents[0].id, 1, Verdict.GOLD)
        elsewhere = add_project(session, "other")
        with pytest.raises(NotFoundError):
            decide(session, elsewhere, documents[2].id, revision, Verdict.GOLD)


def test_a_task_is_noted_to_be_opened_again_and_one_that_is_gone_is_not_sent(
    any_database: Database,
) -> None:
    with any_database.write() as session:
        project, _version, documents = compared(session)
        one, other = documents[2:4]
        revisions = [session.get_one(Gold, it.id).revision for it in (one, other)]
        with pytest.raises(ConflictError, match="not connected"):
            decide(session, project, one.id, revisions[0], Verdict.SENT)
        connect(project)
        one.task_id, one.task_state = 7, TaskState.DONE
        decision = decide(session, project, one.id, revisions[0], Verdict.SENT)
        assert decision.to_reopen
        assert review.may_undo(one, decision)
        assert not review.undo(session, project, ERRORS, decision.id, "me").to_reopen
        other.task_state = TaskState.DELETED
        with pytest.raises(ConflictError, match="gone from Label Studio"):
            decide(session, project, other.id, revisions[1], Verdict.SENT)


def test_counts_follow_decisions_and_changes_of_gold_at_once(any_database: Database) -> None:
    with any_database.write() as session:
        project, _version, (_, other, wider, none, more) = compared(session)

        def counted() -> dict[str, int]:
            counts = differences.difference_counts(session, project.id)
            return {kind: count for (kind, _label), count in counts.items()}

        assert counted() == {"label": 1, "boundary": 1, "missed": 1, "spurious": 1}
        revision = session.get_one(Gold, other.id).revision
        decision = decide(session, project, other.id, revision, Verdict.MODEL)
        assert counted() == {"boundary": 1, "missed": 1, "spurious": 1}
        add_gold(session, wider)  # by people
        assert counted() == {"missed": 1, "spurious": 1}
        review.undo(session, project, ERRORS, decision.id, "me")
        assert counted() == {"missed": 1, "spurious": 1}  # until it is compared again
        remove_gold(session, project.id, [none.id])  # by people too
        assert counted() == {"spurious": 1}
        assert listed(session, project, Wanted()) == [more.id]
