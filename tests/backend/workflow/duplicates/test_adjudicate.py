"""Decisions: projected onto every copy, above what was before, below what comes later."""

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.db.audit_log import audit_entries
from backend.db.session import Database
from backend.db.surveys import NewFinding, findings, replace_findings
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Project,
    now,
)
from backend.db.tables_of_labels import Adjudication
from backend.db.tables_of_surveys import Found
from backend.errors import ConflictError, InvalidInputError
from backend.workflow.duplicates.adjudicate import decide, withdraw
from backend.workflow.duplicates.conflicts import exact_conflicts
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.gold.settle import settle
from ml_backend.contract.entity import Entity
from tests.backend.workflow.loop_data import add_gold, add_project

TEXTS = [
    "롯데는 서울에 갔다",
    "롯데는  서울에 갔다",
    unicodedata.normalize("NFD", "롯데는 서울에 갔다"),
]
DECISION = [Entity(0, 2, "PS"), Entity(4, 6, "LC")]
BY = "curator@example.org"


@pytest.fixture
def session(any_database: Database):
    with any_database.write() as session:
        yield session


def add_copies(session, texts=TEXTS) -> tuple[Project, list[Document]]:
    project = add_project(session)
    documents = [
        Document(
            project_id=project.id,
            external_id=f"d{number}",
            text=text,
            group_key=group_key(text),
            deduped=True,
        )
        for number, text in enumerate(texts)
    ]
    session.add_all(documents)
    session.flush()
    for copy in documents[1:]:
        copy.canonical_id = documents[0].id
    session.flush()
    return project, documents


def annotate(session, document, number, *entities, late=0.0, status=AnnotationStatus.SUBMITTED):
    email = f"person{number}@example.org"
    account = session.query(Account).filter_by(email=email).one_or_none() or Account(
        email=email, session_token="x"
    )
    session.add(account)
    session.flush()
    session.add(
        AnnotationState(
            project_id=document.project_id,
            document_id=document.id,
            annotation_id=number,
            updated_at=now() + timedelta(seconds=late),
            status=status,
            account_id=account.id,
            entities=[{"start": s, "end": e, "label": label} for s, e, label in entities],
        )
    )
    session.flush()


def surfaces(session, document) -> list[tuple[str, str]]:
    gold = session.get(Gold, document.id)
    return [
        (unicodedata.normalize("NFC", document.text[e["start"] : e["end"]]), e["label"])
        for e in gold.entities
    ]


def test_every_copy_receives_the_decision_with_its_provenance(session) -> None:
    project, documents = add_copies(session)
    add_gold(session, documents[0], label="PS", source=GoldSource.IMPORTED)
    add_gold(session, documents[1], label="LC", source=GoldSource.PERSON)
    before = project.gold_revision
    assert len(list(exact_conflicts(session, project))) == 1
    decided = decide(
        session, project, documents[0], DECISION, made_by="kim@example.org", reason="guideline 4"
    )
    assert decided.documents == ["d0", "d1", "d2"]
    assert decided.refused == {}
    for document in documents:
        assert surfaces(session, document) == [("롯데", "PS"), ("서울", "LC")]
        gold = session.get(Gold, document.id)
        assert gold.source == GoldSource.DECISION
        assert gold.revision == project.gold_revision == before + 1
        assert gold.adjudication_id == decided.adjudication.id
    row = session.get(Adjudication, decided.adjudication.id)
    assert (row.made_by, row.reason, row.document_id) == (
        "kim@example.org",
        "guideline 4",
        documents[0].id,
    )
    assert list(exact_conflicts(session, project)) == []


def test_a_disagreement_that_waits_is_decided_too_and_older_words_do_not_undo_it(session) -> None:
    project, (document, *_) = add_copies(session)
    annotate(session, document, 1, (0, 2, "PS"), late=-60)
    annotate(session, document, 2, (0, 2, "LC"), late=-50)
    settle(session, project, document)
    assert session.get(Gold, document.id) is None
    (conflict,) = exact_conflicts(session, project)
    assert [variant.votes for variant in conflict.variants] == [1, 1]

    decide(session, project, document, DECISION, made_by="x")
    revision = project.gold_revision
    annotate(session, document, 3, (0, 3, "LC"), late=-40)  # delivered late, made before
    assert not settle(session, project, document)
    assert session.get(Gold, document.id).source == GoldSource.DECISION
    assert project.gold_revision == revision
    assert list(exact_conflicts(session, project)) == []


def test_a_later_annotation_replaces_it_and_gives_it_back(session) -> None:
    project, (document, copy, _) = add_copies(session)
    decide(session, project, document, DECISION, made_by="x")
    annotate(session, document, 1, (0, 2, "LC"), late=10)
    assert settle(session, project, document)
    gold = session.get(Gold, document.id)
    assert (gold.source, gold.adjudication_id) == (GoldSource.PERSON, None)
    assert session.get(Gold, copy.id).source == GoldSource.DECISION
    assert len(list(exact_conflicts(session, project))) == 1  # it is open again
    annotate(session, document, 1, late=20, status=AnnotationStatus.DELETED)
    assert settle(session, project, document)
    assert surfaces(session, document) == [("롯데", "PS"), ("서울", "LC")]
    assert session.get(Gold, document.id).source == GoldSource.DECISION


def test_a_withdrawn_decision_gives_back_what_was_there(session) -> None:
    project, (imported, person, nothing) = add_copies(session)
    add_gold(session, imported, label="LC", source=GoldSource.IMPORTED)
    annotate(session, person, 1, (0, 2, "LC"), late=-9)
    settle(session, project, person)
    decide(session, project, imported, DECISION, made_by="x")
    second = decide(session, project, imported, DECISION[:1], made_by="y")
    assert withdraw(session, project, person, made_by=BY) == second.documents
    assert surfaces(session, nothing) == [("롯데", "PS"), ("서울", "LC")]  # the first stands
    assert withdraw(session, project, person, made_by=BY) == second.documents
    assert session.get(Gold, imported.id).source == GoldSource.IMPORTED
    assert session.get(Gold, imported.id).entities == [{"start": 0, "end": 1, "label": "LC"}]
    assert session.get(Gold, person.id).source == GoldSource.PERSON
    assert session.get(Gold, nothing.id) is None
    with pytest.raises(ConflictError, match="nobody has decided"):
        withdraw(session, project, person, made_by=BY)


def test_what_a_survey_found_is_settled_with_it_and_both_stand_in_the_audit_log(session) -> None:
    project, (document, *_) = add_copies(session)
    key, kind = document.group_key, Found.EXACT_CONFLICT
    replace_findings(session, project.id, kind, [NewFinding(key, (), {})])
    decide(session, project, document, DECISION, made_by=BY)
    assert findings(session, project.id, kind, limit=9) == []
    withdraw(session, project, document, made_by="other@example.org")
    assert len(findings(session, project.id, kind, limit=9)) == 1
    withdrawn, decided = audit_entries(session, project_id=project.id)
    assert (decided.who, decided.action, decided.subject) == (BY, "conflict.decide", "document d0")
    assert decided.after is not None
    assert decided.after["documents"] == 3
    assert (withdrawn.who, withdrawn.before) == ("other@example.org", decided.after)


def test_a_copy_in_which_an_edge_has_no_place_is_named_and_left(session) -> None:
    project, (text, copy) = add_copies(session, ["길이는 5km", "길이는 5㎞"])
    add_gold(session, copy, label="PS", source=GoldSource.IMPORTED)
    decided = decide(session, project, text, [Entity(5, 6, "LC")], made_by="x")
    assert decided.documents == ["d0"]
    assert list(decided.refused) == ["d1"]
    assert session.get(Gold, copy.id).source == GoldSource.IMPORTED


@pytest.mark.parametrize(
    ("entities", "sentence"),
    [
        ([Entity(0, 99, "PS")], "not in the text"),
        ([Entity(0, 2, "XX")], "label not in the project"),
        ([Entity(0, 2, "PS"), Entity(1, 3, "LC")], "overlap"),
    ],
)
def test_what_cannot_be_gold_cannot_be_decided(session, entities, sentence) -> None:
    project, (document, *_) = add_copies(session)
    with pytest.raises(InvalidInputError, match=sentence):
        decide(session, project, document, entities, made_by="x")
    assert session.get(Gold, document.id) is None


@given(st.lists(st.sampled_from(["decide", "annotate", "delete", "withdraw", "late"]), max_size=7))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_gold_is_always_the_latest_word(database: Database, steps: list[str]) -> None:
    """A model: decisions that stand, and the annotation that was made after the newest."""
    with database.write() as session:
        project, (document, copy, _) = add_copies(session)
        decisions: list[int] = []  # when
        annotated: tuple[int, str] | None = None
        number = 1  # of the annotation
        for clock, step in enumerate(steps, start=1):
            label = ("PS", "LC")[clock % 2]
            if step == "decide":
                made = decide(session, project, document, [Entity(0, 2, label)], made_by="x")
                made.adjudication.created_at = now() + timedelta(seconds=clock)
                decisions.append(clock)
            elif step == "withdraw" and decisions:
                withdraw(session, project, document, made_by=BY)
                decisions.pop()
            elif step in ("annotate", "late"):
                at = clock if step == "annotate" else 0
                if step == "late" and annotated is not None:
                    continue
                annotate(session, document, number, (0, 2, label), late=at)
                annotated = (at, label)
                settle(session, project, document)
            elif step == "delete" and annotated is not None:
                annotate(session, document, number, late=clock, status=AnnotationStatus.DELETED)
                annotated, number = None, number + 1
                settle(session, project, document)
            gold = session.get(Gold, document.id)
            if annotated is not None and (not decisions or annotated[0] > decisions[-1]):
                assert (gold.source, gold.entities[0]["label"]) == ("person", annotated[1])
            elif decisions:
                expected = ("PS", "LC")[decisions[-1] % 2]
                assert (gold.source, gold.entities[0]["label"]) == ("decision", expected)
            else:
                assert gold is None
            held = session.get(Gold, copy.id)
            assert (held is not None) == bool(decisions)
        session.rollback()
