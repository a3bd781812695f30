"""Copies follow the gold of the document that they are copies of."""

import pytest

from backend.db.tables import Gold, GoldSource
from backend.workflow.autolabel import label_copies
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
