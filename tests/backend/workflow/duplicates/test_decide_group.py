"""Decisions about groups: seen as they are, near copies taking over what they share, taken back."""

import pytest

from backend.db.claims import Claim
from backend.db.gold import NewGold, gold_of, put_gold
from backend.db.session import Database
from backend.db.surveys import NewFinding, findings, replace_findings
from backend.db.tables import Document, GoldSource, Project, now
from backend.db.tables_of_surveys import Found
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.workflow.duplicates.decide_group import (
    Decider,
    carried_over,
    choose,
    put_together,
    read_group,
    take_back,
    take_back_decisions,
)
from backend.workflow.duplicates.normal_form import group_key
from ml_backend.contract.entity import Entity
from tests.backend.workflow.loop_data import add_project

Spans = list[tuple[int, int, str]]
BY = "curator@example.org"


@pytest.fixture
def session(any_database: Database):
    with any_database.write() as session:
        yield session


def claim(text: str, spans: Spans) -> Claim:
    entities = [{"start": s, "end": e, "label": label} for s, e, label in spans]
    return Claim(1, "d", text, group_key(text), 1, entities, "imported", None)


def add_near(session, *said: tuple[str, Spans]) -> tuple[Project, list[Document]]:
    """Near copies of each other, each with imported gold."""
    project = add_project(session)
    documents = [
        Document(
            project_id=project.id,
            external_id=f"d{number}",
            text=text,
            group_key=group_key(text),
            deduped=True,
        )
        for number, (text, _) in enumerate(said)
    ]
    session.add_all(documents)
    session.flush()
    rows = []
    for document, (text, spans) in zip(documents, said, strict=True):
        document.near_id = documents[0].id
        entities = claim(text, spans).entities
        rows.append(NewGold(document.id, entities, GoldSource.IMPORTED, 1, now()))
    put_gold(session, project, rows)
    return project, documents


def test_a_near_copy_takes_over_what_is_said_of_shared_words_and_keeps_the_rest() -> None:
    right = claim("김철수는 28일 서울에 갔다", [(0, 3, "PS"), (9, 11, "LC")])
    wrong = claim("이영희는 28일  서울에 갔다", [(0, 3, "PS"), (5, 8, "LC")])
    assert carried_over(right, wrong, casefold=False) == [Entity(0, 3, "PS"), Entity(10, 12, "LC")]
    assert carried_over(wrong, right, casefold=False) == [Entity(0, 3, "PS"), Entity(5, 8, "LC")]
    assert carried_over(right, right, casefold=False) == [Entity(0, 3, "PS"), Entity(9, 11, "LC")]


def test_choosing_among_near_copies_settles_the_conflict_and_can_be_taken_back(session) -> None:
    project, (first, second, third) = add_near(
        session,
        ("김철수는 서울에 갔다", [(0, 3, "PS"), (5, 7, "LC")]),
        ("이영희는 서울에 갔다", [(0, 3, "PS")]),
        ("박지성은 서울에 갔다", [(0, 3, "PS"), (5, 7, "LC")]),
    )
    group = read_group(session, project, second)
    assert group.exact is None
    assert group.near is not None
    subject = group.near.subject
    replace_findings(session, project.id, Found.NEAR_CONFLICT, [NewFinding(subject, (), {})])
    before = gold_of(session, [first.id, second.id, third.id])
    decided = choose(session, project, second, "near", 1, Decider(group.state, BY))
    assert [one.documents for one in decided] == [["d1"]]
    assert read_group(session, project, second).near is None
    assert findings(session, project.id, Found.NEAR_CONFLICT, limit=9) == []
    assert take_back(session, project, second, made_by=BY) == ["d1"]
    assert gold_of(session, [first.id, second.id, third.id]) == before
    assert len(findings(session, project.id, Found.NEAR_CONFLICT, limit=9)) == 1


def test_nothing_is_decided_about_what_has_changed_since_it_was_seen(session) -> None:
    project, (document, _) = add_near(
        session, ("서울에 갔다", [(0, 2, "LC")]), ("부산에 갔다", [(0, 2, "LC")])
    )
    by = Decider(read_group(session, project, document).state, BY)
    put_together(session, project, document, [Entity(0, 2, "PS")], by)
    with pytest.raises(ConflictError, match="meanwhile"):
        put_together(session, project, document, [], by)
    seen = Decider(read_group(session, project, document).state, BY)
    with pytest.raises(ConflictError, match="agree"):
        choose(session, project, document, "exact", 1, seen)


def test_only_the_decision_that_was_seen_is_taken_back(session) -> None:
    project, (document, _) = add_near(
        session, ("서울에 갔다", [(0, 2, "LC")]), ("부산에 갔다", [(0, 2, "LC")])
    )
    first, second = (
        put_together(session, project, document, its, Decider(None, BY)).adjudication.id
        for its in ([Entity(0, 2, "PS")], [])
    )
    with pytest.raises(ConflictError, match="meanwhile"):
        take_back_decisions(session, project, [first], made_by=BY)
    assert take_back_decisions(session, project, [second], made_by=BY) == ["d0"]
    with pytest.raises(ConflictError, match="meanwhile"):
        take_back_decisions(session, project, [second], made_by=BY)
    assert gold_of(session, [document.id])[document.id][0]["label"] == "PS"
    with pytest.raises(NotFoundError):
        take_back_decisions(session, add_project(session, "other"), [first], made_by=BY)


def test_a_variant_that_there_is_not_is_refused(session) -> None:
    project, (document, _) = add_near(
        session, ("김이 서울에 갔다", [(3, 5, "LC")]), ("박이 서울에 갔다", [])
    )
    by = Decider(read_group(session, project, document).state, BY)
    with pytest.raises(InvalidInputError, match="2 variants"):
        choose(session, project, document, "near", 3, by)
