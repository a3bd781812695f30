"""Copies follow the gold of the document that they are copies of."""

import pytest

from backend.db.tables import Gold, GoldSource, TaskState
from backend.workflow.autolabel import copies_behind, label_copies
from backend.workflow.dedupe import dedupe
from backend.workflow.normal_form import group_key
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


def test_a_copy_gets_the_gold_and_follows_its_changes(session):
    project = add_project(session)
    original, copy, other = add_documents(session, project, ["롯데는", "롯데는", "한화는"])
    gold = add_gold(session, original, label="PS")

    assert label_copies(session, project) == 1
    copied = session.get(Gold, copy.id)
    assert (copied.source, copied.entities) == (GoldSource.COPIED, gold.entities)
    assert session.get(Gold, other.id) is None
    assert label_copies(session, project) == 0

    add_gold(session, original, label="LC")
    assert label_copies(session, project) == 1
    assert (
        session.get(Gold, copy.id).entities
        == gold.entities
        == [{"start": 0, "end": 1, "label": "LC"}]
    )

    session.delete(gold)
    session.flush()
    assert label_copies(session, project) == 1
    assert session.get(Gold, copy.id) is None


def test_a_copys_own_gold_is_left_alone(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는", "롯데는"])
    add_gold(session, copy, label="LC", source=GoldSource.IMPORTED)
    add_gold(session, original, label="PS")
    assert label_copies(session, project) == 0
    assert session.get(Gold, copy.id).entities[0]["label"] == "LC"


def test_a_copy_whose_text_differs_waits(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는 ", "롯데는"])
    copy.canonical_id = original.id
    add_gold(session, original)
    assert label_copies(session, project) == 0
    assert session.get(Gold, copy.id) is None


def test_copied_gold_has_its_originals_revision_and_is_no_change_of_the_project(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는", "롯데는"])
    gold = add_gold(session, original)
    before = project.gold_revision
    label_copies(session, project)
    assert session.get(Gold, copy.id).revision == gold.revision
    assert project.gold_revision == before


def test_copied_gold_goes_when_its_document_is_no_such_copy_any_more(session):
    project = add_project(session)
    original, *copies = add_documents(session, project, ["롯데는"] * 4)
    add_gold(session, original)
    assert label_copies(session, project) == 3
    no_copy, another_text, done = copies
    no_copy.canonical_id = None
    another_text.text = "롯데는 "
    done.task_state = TaskState.DONE
    session.flush()
    assert copies_behind(session, project.id)
    assert label_copies(session, project) == 3
    session.expire_all()
    assert [session.get(Gold, copy.id) for copy in copies] == [None, None, None]
    assert label_copies(session, project) == 0


def test_people_who_disagree_about_a_copys_own_task_wait_for_adjudication(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는", "롯데는"])
    add_gold(session, original)
    copy.task_id, copy.task_state = 7, TaskState.DONE
    assert not copies_behind(session, project.id)
    assert label_copies(session, project) == 0
    assert session.get(Gold, copy.id) is None


def test_dedupe_takes_copied_gold_for_none_and_withdraws_it_where_the_canonical_moves(session):
    project = add_project(session)
    key = group_key("롯데는")
    old, copy, newest = add_documents(session, project, ["롯데는"] * 3)
    for document in (old, copy, newest):
        document.group_key = key
    gold = add_gold(session, old)
    label_copies(session, project)
    session.delete(gold)  # withdrawn, and before the copies follow, dedupe looks again
    add_gold(session, newest, label="LC", source=GoldSource.IMPORTED)
    newest.deduped = False
    session.flush()

    assert dedupe(session, project.id).conflicts == 0
    session.expire_all()
    assert (old.canonical_id, copy.canonical_id, newest.canonical_id) == (
        newest.id,
        newest.id,
        None,
    )
    assert session.get(Gold, copy.id) is None
    assert label_copies(session, project) == 2
    for document in (old, copy):
        copied = session.get(Gold, document.id)
        assert (copied.source, copied.entities[0]["label"]) == (GoldSource.COPIED, "LC")


def test_copies_are_labelled_in_chunks(session):
    project = add_project(session)
    documents = add_documents(session, project, ["롯데는"] * 6)
    add_gold(session, documents[0])
    assert [label_copies(session, project, 2) for _ in range(4)] == [2, 2, 1, 0]
