"""What chance draws to measure people, and when a shared document has gold."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.db import autolabels, pool, sharing
from backend.db.gold import NewGold, put_gold
from backend.db.tables import Document, GoldSource, Project, TaskState, now
from backend.db.tables_of_sharing import Sharing
from backend.db.versions import locked_project
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.workflow.annotators.sharing import blind_chances, draw
from backend.workflow.annotators.waiting import ask_again, ask_no_more
from backend.workflow.duplicates.adjudicate import decide, withdraw
from ml_backend.contract.entity import Entity
from tests.backend.workflow.gold.test_record import LOC, PER, Desk, seen
from tests.backend.workflow.loop_data import (
    add_documents,
    add_prediction,
    add_project,
    add_version,
    open_tasks,
)

NOW = 60 * 24 * 365 * 20  # minutes: what comes after it is later than a decision made now


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


@pytest.fixture
def desk(any_database):
    """A document that two people are asked about."""
    desk = Desk(any_database)
    with desk.database.write() as session:
        row = Sharing(document_id=desk.document_id, project_id=desk.project_id, annotators=2)
        session.add(row)
    return desk


def by(person: int, **given):
    return {"user": person, "email": f"annotator-{person}@example.com", **given}


def test_shares_are_drawn_once_and_the_same_again(session):
    project = add_project(session, shared_share=0.2, blind_share=0.05, annotators_each=3)
    documents = add_documents(session, project, [f"문서 {number}" for number in range(2000)])
    draw(session, project, documents)
    first = sharing.drawn(session, [document.id for document in documents])
    kinds = Counter((row.annotators, row.blind) for row in first.values())
    assert 340 < kinds[3, False] + kinds[3, True] < 460
    assert 70 < kinds[3, True] < 135
    assert kinds[1, True] == 0  # there are shared ones enough
    assert set(first) & sharing.blind_slice(session, first) == {
        number for number, row in first.items() if row.blind
    }
    project.settings = {"shared_share": 1.0, "blind_share": 0.0}
    draw(session, project, documents[:100])
    again = sharing.drawn(session, [document.id for document in documents])
    assert {n: (one.annotators, one.blind) for n, one in again.items() if n in first} == {
        n: (one.annotators, one.blind) for n, one in first.items()
    }
    assert {document.id for document in documents[:100]} <= again.keys()


def test_what_somebody_may_have_opened_goes_to_one_with_pre_labels_and_is_not_asked_for_again(
    session,
):
    project = add_project(session, shared_share=1.0, blind_share=0.5)
    documents = add_documents(session, project, [f"문서 {number}" for number in range(9)])
    open_tasks(documents)
    documents[8].queue_number = 1
    session.flush()
    assert sharing.undrawn(session, project.id) == documents[:8]
    opened = {document.id for document in documents[:4]}
    draw(session, project, documents[:8], opened)
    rows = sharing.drawn(session, [document.id for document in documents])
    assert {(rows[number].annotators, rows[number].blind) for number in opened} == {(1, False)}
    assert {row.annotators for number, row in rows.items() if number not in opened} == {2}
    assert sharing.undrawn(session, project.id) == []


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_all_together_so_many_are_blind_as_were_asked_for(shared, blind):
    among, elsewhere = blind_chances(shared, blind)
    assert 0 <= among <= 0.5
    assert -1e-9 <= elsewhere <= 1
    assert shared * among + (1 - shared) * elsewhere == pytest.approx(blind, abs=1e-9)


def test_a_blind_document_is_shown_empty(session):
    project = add_project(session)
    version = add_version(session, project)
    one, other = add_documents(session, project, ["하나", "둘"])
    session.add(Sharing(document_id=one.id, project_id=project.id, blind=True))
    for document in (one, other):
        add_prediction(session, document, version, 0.9)
    session.flush()
    kept = pool.predictions(session, version.id, [one.id, other.id])
    for prediction in kept.values():
        prediction.entities = [{"start": 0, "end": 1, "label": "PS"}]
    shown = autolabels.shown(session, kept)
    assert shown[one.id].entities == []
    assert shown[other.id].entities == kept[other.id].entities != []
    assert kept[one.id].entities != []  # what the version said is kept


def test_label_studio_is_told_once_and_of_a_task_made_again(session):
    project = add_project(session)
    documents = add_documents(session, project, ["하나", "둘", "셋", "넷"])
    open_tasks(documents)
    for document, people in zip(documents, (2, 1, 3, 2), strict=True):
        row = Sharing(document_id=document.id, project_id=project.id, annotators=people)
        session.add(row)
    documents[3].task_state = TaskState.DONE
    session.flush()
    told = [(one.task_id, one.annotators) for one in sharing.untold(session, project.id, 10)]
    assert told == [(1, 2), (3, 3)]
    for number, row in sharing.drawn(session, [one.id for one in documents]).items():
        row.told_task_id = session.get_one(Document, number).task_id
    session.flush()
    assert not sharing.is_untold(session, project.id)
    documents[0].task_id = 9
    session.flush()
    assert [one.task_id for one in sharing.untold(session, project.id, 10)] == [9]


def test_a_shared_document_has_gold_once_all_have_spoken(desk):
    assert not desk.record(seen(1, 0, PER, **by(1))).gold_changed
    assert desk.gold is None
    assert desk.document.task_state == TaskState.OPEN
    desk.record(seen(1, 1, PER, LOC, **by(1)))  # the same person again
    assert desk.gold is None
    assert desk.record(seen(2, 2, PER, LOC, **by(2))).gold_changed
    assert desk.entities == [PER, LOC]
    assert desk.document.task_state == TaskState.DONE
    desk.delete(2)
    assert desk.gold is None
    assert desk.document.task_state == TaskState.OPEN


def test_when_those_who_were_asked_disagree_it_waits_for_a_decision(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    desk.record(seen(2, 1, LOC, **by(2)))
    assert desk.gold is None
    assert desk.document.task_state == TaskState.DONE
    desk.record(seen(2, 2, PER, **by(2)))
    assert desk.entities == [PER]


def test_a_skip_is_an_answer_too(desk):
    desk.record(seen(1, 0, skipped=True, **by(1)))
    assert desk.document.task_state == TaskState.OPEN
    desk.record(seen(2, 1, PER, **by(2)))
    assert desk.entities == [PER]


def test_a_decision_stands_until_all_have_spoken_after_it(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    with desk.database.write() as session:
        project = locked_project(session, desk.project_id)
        document = session.get_one(Document, desk.document_id)
        decide(session, project, document, [Entity(*LOC)], made_by="c@example.com")
    assert not desk.record(seen(2, NOW, PER, **by(2))).gold_changed
    assert (desk.entities, desk.gold.source) == ([LOC], "decision")
    assert desk.record(seen(1, NOW + 1, PER, **by(1))).gold_changed
    assert (desk.entities, desk.gold.source) == ([PER], "person")
    with desk.database.write() as session:
        project = locked_project(session, desk.project_id)
        withdraw(session, project, session.get_one(Document, desk.document_id), made_by="c")
    assert desk.entities == [PER]


def test_imported_gold_stays_until_all_have_spoken(desk):
    with desk.database.write() as session:
        project = locked_project(session, desk.project_id)
        project.gold_revision += 1
        imported = [{"start": 3, "end": 5, "label": "LOC"}]
        row = NewGold(desk.document_id, imported, GoldSource.IMPORTED, 1, now())
        put_gold(session, project, [row])
    desk.record(seen(1, 0, PER, **by(1)))
    assert (desk.entities, desk.gold.source) == ([LOC], "imported")
    desk.record(seen(2, 1, PER, **by(2)))
    assert (desk.entities, desk.gold.source) == ([PER], "person")
    desk.delete(1)
    assert (desk.entities, desk.gold.source) == ([LOC], "imported")


def test_a_blind_annotation_began_from_an_empty_page(desk):
    with desk.database.write() as session:
        session.get_one(Sharing, desk.document_id).blind = True
    desk.record(seen(1, 0, PER, version_name="v1", predicted_regions=[], **by(1)))
    (state,) = desk.states()
    assert (state.version_name, state.correction, state.corrected) == (None, {}, None)


def test_who_was_shown_pre_labels_all_the_same_did_not_label_blind(desk):
    with desk.database.write() as session:
        session.get_one(Sharing, desk.document_id).blind = True
        version = add_version(session, session.get_one(Project, desk.project_id))
        add_prediction(session, session.get_one(Document, desk.document_id), version, 0.9)
    shown = seen(1, 0, PER).regions
    desk.record(seen(1, 0, LOC, version_name="v1", predicted_regions=shown, **by(1)))
    (state,) = desk.states()
    assert (state.version_name, state.correction["removed"]) == ("v1", 1)


def test_what_waits_for_nobody_is_settled_and_waits_again(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    with desk.database.write() as session:
        assert sharing.waiting(session, desk.project_id, 10) == [desk.document_id]
        project = locked_project(session, desk.project_id)
        assert ask_no_more(session, project, [desk.document_id], "c") == {desk.document_id: 2}
        assert sharing.waiting(session, desk.project_id, 10) == []
        with pytest.raises(ConflictError):
            ask_no_more(session, project, [desk.document_id], "c")
    assert desk.entities == [PER]
    assert desk.document.task_state == TaskState.DONE
    with desk.database.write() as session:
        project = locked_project(session, desk.project_id)
        assert ask_again(session, project, {desk.document_id: 2}, "c") == 1
        with pytest.raises(NotFoundError):
            ask_again(session, project, {desk.document_id + 1: 2}, "c")
        with pytest.raises(InvalidInputError):
            ask_again(session, project, {desk.document_id: 99}, "c")
    assert desk.gold is None
    assert desk.document.task_state == TaskState.OPEN


def test_what_waits_for_a_second_person_is_no_work_for_the_first(desk):
    with desk.database.read() as session:
        assert sharing.waiting_count(session, desk.project_id) == 0
    desk.record(seen(1, 0, PER, **by(1)))
    with desk.database.read() as session:
        assert pool.open_count(session, desk.project_id) == 1
        assert sharing.waiting_count(session, desk.project_id) == 1
    desk.record(seen(2, 1, PER, **by(2)))
    with desk.database.read() as session:
        assert sharing.waiting_count(session, desk.project_id) == 0


def test_what_was_said_of_a_task_that_is_gone_can_be_settled(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    with desk.database.write() as session:
        session.get_one(Document, desk.document_id).task_state = TaskState.DELETED
        session.flush()
        assert sharing.waiting(session, desk.project_id, 10) == [desk.document_id]
        assert sharing.waiting_count(session, desk.project_id) == 0
        project = locked_project(session, desk.project_id)
        ask_no_more(session, project, [desk.document_id], "c")
        assert sharing.waiting(session, desk.project_id, 10) == []
    assert desk.entities == [PER]


def test_nobody_is_waited_for_where_those_who_were_asked_disagree_or_nobody_has_spoken(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    desk.delete(1)
    with desk.database.read() as session:
        assert sharing.waiting(session, desk.project_id, 10) == []
        assert sharing.waiting_count(session, desk.project_id) == 0
    desk.record(seen(2, 1, PER, **by(1)))
    desk.record(seen(3, 2, LOC, **by(2)))
    with desk.database.write() as session:
        session.get_one(Document, desk.document_id).task_state = TaskState.DELETED
        session.flush()
        assert sharing.waiting(session, desk.project_id, 10) == []
    assert desk.gold is None


def test_label_studio_is_told_when_more_people_are_asked(desk):
    with desk.database.write() as session:
        row = session.get_one(Sharing, desk.document_id)
        row.told_task_id = session.get_one(Document, desk.document_id).task_id
        session.flush()
        assert not sharing.is_untold(session, desk.project_id)
        project = locked_project(session, desk.project_id)
        ask_again(session, project, {desk.document_id: 3}, "c")
        assert [one.annotators for one in sharing.untold(session, desk.project_id, 10)] == [3]


def test_who_answers_later_is_heard(desk):
    desk.record(seen(1, 0, PER, **by(1)))
    with desk.database.write() as session:
        project = locked_project(session, desk.project_id)
        ask_no_more(session, project, [desk.document_id], "c")
    desk.record(seen(2, 1, LOC, **by(2)))
    assert desk.gold is None  # they disagree


def test_what_nobody_has_annotated_does_not_wait(desk):
    with desk.database.write() as session:
        assert sharing.waiting(session, desk.project_id, 10) == []
        project = locked_project(session, desk.project_id)
        with pytest.raises(ConflictError):
            ask_no_more(session, project, [desk.document_id], "c")
