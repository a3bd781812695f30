"""Evidence for a document's pre-labels, on SQLite and PostgreSQL."""

import pytest

from backend.db import pool
from backend.db.tables import TaskState
from backend.db.tables_of_autolabel import Autolabel
from backend.db.tables_of_sharing import Sharing
from backend.errors import NotFoundError
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.evidence import rejections
from backend.workflow.evidence.evidence import LISTED, Fate, evidence
from backend.workflow.evidence.mentions import read_gold
from tests.backend.workflow.evidence.test_mentions import give
from tests.backend.workflow.evidence.test_rejections import copy_of, predicted, submit
from tests.backend.workflow.loop_data import add_documents, add_project, add_version

TEXT = "김철수 씨가 서울 대학교에 갔다"


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


@pytest.fixture
def desk(session):
    project = add_project(session)
    document, *others = add_documents(
        session, project, [TEXT, "김철수 부장", "어제 김철수", "김철", "서울시청"]
    )
    document.group_key = group_key(TEXT)
    document.task_id, document.task_state = 1, TaskState.OPEN
    version = add_version(session, project)
    project.champion_id = version.id
    for other, (start, end, label) in zip(
        others, [(0, 3, "PS"), (3, 6, "LC"), (0, 2, "PS"), (0, 4, "LC")], strict=True
    ):
        give(session, project, other, (start, end, label))
    read_gold(session, project)
    return project, document, version


def test_everything_that_is_known_of_a_suggestion_is_told(session, desk):
    project, document, version = desk
    said = predicted(session, document, version, (0, 3, "PS"), (7, 9, "LC"))
    runner_up = {"label": "LC", "probability": 0.02}
    said.entities = [{**said.entities[0], "runner_up": runner_up}, said.entities[1]]
    found = evidence(session, project, document.id)
    name, city = found.suggestions
    assert (name.surface, name.entity.key, name.entity.probability) == (
        "김철수",
        (0, 3, "PS"),
        0.97,
    )
    assert (name.runner_up.label, name.runner_up.probability) == ("LC", 0.02)
    assert name.labels == {"LC": 1, "PS": 1}
    assert [one.text for one in name.examples] == ["어제 김철수", "김철수 부장"]
    assert [(one.form, one.labels) for one in name.similar] == [("김철", {"PS": 1})]
    assert (city.labels, city.runner_up, len(city.examples)) == ({}, None, 0)
    assert [one.form for one in city.similar] == ["서울시청"]
    assert {one.fate for one in found.suggestions} == {Fate.SHOWN}
    assert (found.behind, found.blind, found.after) == (False, False, None)


def test_a_suggestion_that_was_held_back_names_who_rejected_it(session, desk):
    project, document, version = desk
    predicted(session, document, version, (0, 3, "PS"))
    submit(session, document, version, (0, 5, "PS"))
    other = copy_of(session, project, document, f"{TEXT}!", near=True)
    predicted(session, other, version, (0, 3, "PS"))
    (name,) = evidence(session, project, other.id).suggestions
    assert name.fate == Fate.REJECTED  # it will be left out
    rejections.mark(session, project, version, [other.id])
    (name,) = evidence(session, project, other.id).suggestions
    assert (name.fate, name.rejected.rejection.kind) == (Fate.REJECTED, "moved")
    assert name.rejected.who == "annotator-1@example.com"
    assert [(one.kind, one.documents) for one in name.corrections] == [("moved", 1)]
    assert name.rejected.document.id == document.id


def test_nothing_is_told_of_a_blind_document_before_people_have_spoken(session, desk):
    project, document, version = desk
    predicted(session, document, version, (0, 3, "PS"))
    session.add(Sharing(document_id=document.id, project_id=project.id, blind=True, annotators=1))
    session.flush()
    found = evidence(session, project, document.id)
    assert (found.blind, found.said, found.suggestions) == (True, None, ())
    submit(session, document, version, (0, 3, "PS"))
    (name,) = evidence(session, project, document.id).suggestions
    assert name.fate == Fate.LEFT_OUT


def test_what_the_queue_has_sent_shows_only_what_is_sure(session, desk):
    project, document, version = desk
    said = predicted(session, document, version, (0, 3, "PS"), (7, 9, "LC"))
    said.entities = [{**said.entities[0], "probability": 0.4}, said.entities[1]]
    session.add(
        Autolabel(
            document_id=document.id,
            project_id=project.id,
            version_id=version.id,
            state="sent",
            entities=said.entities,
            confidence=0.4,
            changed_by="curator@example.com",
        )
    )
    session.flush()
    fates = [one.fate for one in evidence(session, project, document.id).suggestions]
    assert fates == [Fate.LEFT_OUT, Fate.SHOWN]


def test_many_suggestions_come_in_pages_and_one_span_alone(session, desk):
    project, _, version = desk
    (document,) = add_documents(session, project, ["가나" * (LISTED + 5)])
    spans = [(2 * number, 2 * number + 1, "PS") for number in range(LISTED + 5)]
    predicted(session, document, version, *spans)
    first = evidence(session, project, document.id)
    assert (len(first.suggestions), first.after) == (LISTED, 2 * LISTED - 2)
    rest = evidence(session, project, document.id, after=first.after)
    assert [one.entity.key for one in rest.suggestions] == spans[LISTED:]
    assert rest.after is None
    (one,) = evidence(session, project, document.id, span=(4, 5)).suggestions
    assert one.entity.key == (4, 5, "PS")


def test_an_earlier_version_speaks_where_the_champion_has_not(session, desk):
    project, document, version = desk
    assert evidence(session, project, document.id).said is None
    other = add_version(session, project, "v0")
    predicted(session, document, other, (0, 3, "PS"))
    assert evidence(session, project, document.id).said.version.name == "v0"
    predicted(session, document, version, (0, 3, "PS"))
    assert evidence(session, project, document.id).said.version.name == "v1"
    assert pool.predictions(session, version.id, [document.id])


def test_a_document_of_another_project_is_not_there(session, desk):
    _, document, _ = desk
    with pytest.raises(NotFoundError):
        evidence(session, add_project(session, "other"), document.id)
