"""What annotations tell of the people who made them."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.db.accounts import add_account
from backend.db.tables import AnnotationState, Role
from backend.db.tables_of_autolabel import Audit, Autolabel
from backend.workflow.annotators import figures as annotators
from backend.workflow.annotators.figures import annotator_figures
from backend.workflow.annotators.kept_figures import KeptFigures
from tests.backend.workflow.autolabels.test_items import put, said, texts
from tests.backend.workflow.loop_data import add_documents, add_project, add_version

START = datetime(2026, 3, 1, tzinfo=UTC)
NAME = {"start": 0, "end": 2, "label": "PS"}
PLACE = {"start": 3, "end": 5, "label": "LC"}


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


@pytest.fixture
def world(session):
    """A project, six documents, two people."""
    project = add_project(session)
    people = [
        add_account(session, f"{name}@example.com", role=Role.ANNOTATOR, name=name)
        for name in ("one", "two")
    ]
    session.flush()
    return project, add_documents(session, project, texts(6)), people


def annotate(session, world, document, person, *entities, **state):
    project, documents, people = world
    number = session.query(AnnotationState).count()
    given = {
        "annotation_id": 100 * document + person,
        "updated_at": START + timedelta(seconds=number),
        "status": "submitted",
        "lead_time": 30.0,
        "version_name": None,
        "correction": {},
        **state,
    }
    row = AnnotationState(
        project_id=project.id,
        document_id=documents[document].id,
        account_id=people[person].id,
        entities=list(entities),
        **given,
    )
    session.add(row)
    session.flush()


def figures(session, world):
    found = annotator_figures(session, world[0].id)
    return {one.account_id: one for one in found.people}, found


def test_speed_edits_and_acceptance_of_each_person(session, world):
    one, _ = world[2]
    annotate(session, world, 0, 0, NAME, PLACE, lead_time=60)
    annotate(session, world, 1, 0, NAME, lead_time=20, version_name="v1", correction={"kept": 1})
    annotate(
        session, world, 2, 0, NAME, lead_time=10, version_name="v1",
        correction={"kept": 0, "added": 2, "moved": 1, "removed": 1},
    )  # fmt: skip
    annotate(session, world, 3, 0, lead_time=None, status="skipped")
    its = figures(session, world)[0][one.id]
    assert (its.documents, its.entities, its.seconds) == (3, 4, 20)
    assert its.documents_per_hour == pytest.approx(3 / (90 / 3600))
    assert its.entities_per_hour == pytest.approx(4 / (90 / 3600))
    assert (its.by_hand, its.edits, its.prelabelled, its.unchanged) == (2, 2, 2, 0.5)
    assert (its.blind, its.blind_same, its.f1) == (0, None, None)


def test_only_the_last_state_of_an_annotation_counts(session, world):
    one, _ = world[2]
    annotate(session, world, 0, 0, NAME)
    annotate(session, world, 0, 0, NAME, PLACE)
    annotate(session, world, 1, 0, NAME)
    annotate(session, world, 1, 0, status="deleted")
    its = figures(session, world)[0][one.id]
    assert (its.documents, its.entities) == (1, 2)


def test_the_blind_slice_stands_apart_from_what_was_shown(session, world):
    project, documents, (one, _) = world
    version = add_version(session, project)
    put(session, project, version, None, [said(document, 0.9) for document in documents[:3]])
    for number, outcome in enumerate((Audit.RIGHT, Audit.WRONG, Audit.OPEN)):
        session.get(Autolabel, documents[number].id).audit = outcome
        annotate(session, world, number, 0, NAME, version_name="v1", correction={"added": 1})
    its = figures(session, world)[0][one.id]
    assert (its.blind, its.blind_same) == (2, 0.5)
    assert its.prelabelled == 1  # the one that is open has no outcome yet


def test_agreement_is_counted_on_what_several_did(session, world):
    one, two = world[2]
    annotate(session, world, 0, 0, NAME, PLACE)
    annotate(session, world, 0, 1, NAME)
    annotate(session, world, 1, 0, NAME)
    people, found = figures(session, world)
    assert found.agreement.overall.documents == 1
    assert found.agreement.overall.f1 == pytest.approx(2 / 3)
    assert people[one.id].f1 == people[two.id].f1 == pytest.approx(2 / 3)
    assert 0 < found.agreement.overall.alpha < 1
    assert found.annotations == 3


def test_only_the_newest_annotations_are_read(session, world, monkeypatch):
    monkeypatch.setattr(annotators, "NEWEST", 2)
    for number in range(4):
        annotate(session, world, number, 0, NAME)
    assert figures(session, world)[1].annotations == 2
    assert figures(session, (add_project(session, "other"),))[1].people == []


def test_figures_are_kept_until_somebody_says_something_or_gold_changes(session, world):
    project, kept = world[0], KeptFigures()
    annotate(session, world, 0, 0, NAME)
    first = kept.of(session, project)
    assert kept.of(session, project) is first
    annotate(session, world, 1, 1, NAME)
    second = kept.of(session, project)
    assert (first.annotations, second.annotations) == (1, 2)
    project.gold_revision += 1
    assert kept.of(session, project) is not second
    assert kept.of(session, add_project(session, "another")).annotations == 0
