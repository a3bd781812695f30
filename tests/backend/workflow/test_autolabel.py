"""Copies follow the gold of the document that they are copies of."""

import unicodedata

import pytest

from backend.db import pool
from backend.db.tables import Gold, GoldSource, Part, TaskState
from backend.workflow.autolabel import copies_behind, label_copies
from backend.workflow.dedupe import dedupe
from backend.workflow.duplicates.normal_form import group_key
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


@pytest.mark.parametrize(
    ("original", "copy", "span", "projected"),
    [
        ("롯데는 이겼다", "롯데는  이겼다", (4, 6), (5, 7)),
        (unicodedata.normalize("NFD", "롯데는 이겼다"), "롯데는 이겼다", (0, 5), (0, 2)),
        ("롯데는 ﬁrst", "롯데는 first", (4, 8), (4, 9)),
        ("롯\u200b데는", "롯데는", (0, 3), (0, 2)),
        ("ＬＧ는 이겼다", "LG는 이겼다", (0, 2), (0, 2)),
    ],
)
def test_gold_is_projected_on_a_copy_whose_text_differs(session, original, copy, span, projected):
    project = add_project(session)
    first, second = add_documents(session, project, [original, copy])
    second.canonical_id = first.id
    gold = add_gold(session, first)
    gold.entities = [{"start": span[0], "end": span[1], "label": "PS"}]
    session.flush()
    assert label_copies(session, project) == 1
    copied = session.get(Gold, second.id)
    assert copied.entities == [{"start": projected[0], "end": projected[1], "label": "PS"}]
    assert (copied.source, copied.revision) == (GoldSource.COPIED, gold.revision)
    assert not copies_behind(session, project.id)


def test_a_copy_on_which_an_entity_has_no_place_is_left_to_people(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는 first", "롯데는 ﬁrst"])
    copy.canonical_id = original.id
    gold = add_gold(session, original, part=Part.TRAIN)
    gold.entities = [{"start": 4, "end": 5, "label": "PS"}]
    session.flush()
    assert label_copies(session, project) == 1
    assert session.get(Gold, copy.id) is None
    assert [one.id for one in pool.reserved_documents(session, project.id)] == [copy.id]
    assert copy.part == Part.TRAIN
    gold.entities, gold.revision = [{"start": 4, "end": 6, "label": "PS"}], 9
    session.flush()
    assert not copies_behind(session, project.id)  # it is theirs now


def test_a_copy_that_loses_its_place_loses_its_gold(session):
    project = add_project(session)
    original, copy = add_documents(session, project, ["롯데는 first", "롯데는 ﬁrst"])
    copy.canonical_id = original.id
    gold = add_gold(session, original, part=Part.TRAIN)
    assert label_copies(session, project) == 1
    assert session.get(Gold, copy.id) is not None
    gold.entities, gold.revision = [{"start": 5, "end": 6, "label": "PS"}], 9
    session.flush()
    assert label_copies(session, project) == 1
    session.expire_all()
    assert session.get(Gold, copy.id) is None
    assert copy.queue_number == 1


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
    no_copy, queued, done = copies
    no_copy.canonical_id = None
    queued.text, queued.queue_number = "롯데는 ", 1
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
