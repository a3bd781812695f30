"""The strings of gold: read in the order of its changes, gone with it, found when alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from backend.db import mentions
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.tables import GoldSource, now
from backend.db.tables_of_evidence import LONGEST_FORM, Mention, MentionForm
from backend.loop.mentions import is_wanted, read_all
from backend.workflow.evidence.mention_forms import form_of, grams_of, likeness
from tests.backend.workflow.loop_data import add_documents, add_project


def give(session, project, document, *entities, source=GoldSource.PERSON):
    project.gold_revision += 1
    records = [{"start": start, "end": end, "label": label} for start, end, label in entities]
    row = NewGold(document.id, records, source, project.gold_revision, now())
    put_gold(session, project, [row])


def told(database, project, *surfaces):
    """How often gold has each label on each string."""
    with database.read() as session:
        forms = {form_of(one) for one in surfaces}
        found = mentions.counted_forms(session, project.id, forms, without=0)
        return [found[form].labels if (form := form_of(one)) in found else {} for one in surfaces]


@pytest.fixture
def made(any_database):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["서울 시", "서울", "ＳＥＯＵＬ", "Seoul역"])
        for document, end in zip(documents, (2, 2, 5, 5), strict=True):
            give(session, project, document, (0, end, "LC"))
    assert is_wanted(any_database, project.id)
    assert read_all(any_database, project.id) == 4
    assert not is_wanted(any_database, project.id)
    return project, documents


def test_the_same_string_is_the_same_in_width_and_another_in_case(any_database, made):
    project, _ = made
    assert told(any_database, project, "서울", "SEOUL", "Seoul", "부산") == [
        {"LC": 2},
        {"LC": 1},
        {"LC": 1},
        {},
    ]


def test_what_changes_is_read_again_and_what_is_withdrawn_is_gone_at_once(any_database, made):
    project, (first, second, *_) = made
    with any_database.write() as session:
        give(session, project, first, (0, 2, "PS"), (3, 4, "LC"))
        session.merge(project)
    assert read_all(any_database, project.id) == 1
    assert told(any_database, project, "서울", "시") == [{"LC": 1, "PS": 1}, {"LC": 1}]
    with any_database.write() as session:
        project.gold_revision += 1
        session.merge(project)
        remove_gold(session, project.id, [second.id])
    assert told(any_database, project, "서울") == [{"PS": 1}]
    assert is_wanted(any_database, project.id)
    assert read_all(any_database, project.id) == 0
    assert not is_wanted(any_database, project.id)


def test_copies_and_what_a_rule_accepted_are_no_evidence(any_database):
    with any_database.write() as session:
        project = add_project(session)
        first, copy, other = add_documents(session, project, ["서울", "서울", "부산"])
        give(session, project, first, (0, 2, "LC"))
        give(session, project, copy, (0, 2, "LC"), source=GoldSource.COPIED)
        give(session, project, other, (0, 2, "LC"), source=GoldSource.RULE)
    read_all(any_database, project.id)
    assert told(any_database, project, "서울", "부산") == [{"LC": 1}, {}]


def test_examples_are_the_newest_of_each_label_but_of_the_document_itself(any_database):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, [f"서울 {number}" for number in range(6)])
        for number, document in enumerate(documents):
            give(session, project, document, (0, 2, "PS" if number == 0 else "LC"))
    read_all(any_database, project.id)
    with any_database.read() as session:
        (form,) = mentions.forms_of(session, project.id, ["서울"]).values()
        found = mentions.examples(session, [form], 2, without=documents[-1].id)[form]
        ids = [(one.label, one.document_id) for one in found]
        (counted,) = mentions.counted(session, [form], without=documents[-1].id).values()
    assert ids == [("LC", documents[4].id), ("LC", documents[3].id), ("PS", documents[0].id)]
    assert counted == (form, "서울", {"LC": 4, "PS": 1})


def test_strings_alike_are_found_by_their_bigrams(any_database):
    with any_database.write() as session:
        project = add_project(session)
        texts = ["한국은행", "한국 은행", "한국은행법", "은행나무", "부산항"]
        for document, text in zip(add_documents(session, project, texts), texts, strict=True):
            give(session, project, document, (0, len(text), "LC"))
    read_all(any_database, project.id)
    with any_database.read() as session:
        found = mentions.alike(session, project.id, {"한국은행": grams_of("한국은행")}, 3)
        names = mentions.counted(session, found["한국은행"], without=0)
    forms = [names[number].form for number in found["한국은행"]]
    assert forms == ["한국은행", "한국은행법", "은행나무"]


def test_a_very_long_string_is_kept_by_its_beginning(any_database):
    text = "가" * 5000
    with any_database.write() as session:
        project = add_project(session)
        (document,) = add_documents(session, project, [text])
        give(session, project, document, (0, 5000, "LC"), (0, 4999, "LC"))
    read_all(any_database, project.id)
    with any_database.read() as session:
        assert session.scalar(select(MentionForm.form)) == text[:LONGEST_FORM]
        assert session.scalar(select(func.count()).select_from(Mention)) == 1


@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_is_a_measure(one, other):
    ours, theirs = form_of(one), form_of(other)
    assert 0 <= likeness(ours, theirs) == likeness(theirs, ours) <= 1
    assert likeness(ours, ours) == 1
    assert all(len(gram) <= 8 for gram in grams_of(ours))
