"""Suggestions that people rejected: kept with their text, recognised in copies, contradicted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from backend.db import autolabels, pool
from backend.db.gold import NewGold, put_gold
from backend.db.rejections import corrected
from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Prediction,
    TaskState,
)
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_evidence import Rejection
from backend.db.tables_of_sharing import Sharing
from backend.workflow.autolabels.rule import accept_pending
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.evidence import rejections
from backend.workflow.evidence.mentions import read_gold
from backend.workflow.evidence.rejections_of_before import make_rejections
from backend.workflow.gold.origins import SeenAnnotation
from backend.workflow.gold.record import record_deletion, record_state
from tests.backend.workflow.autolabels.test_items import add_promise, put, said
from tests.backend.workflow.loop_data import add_documents, add_project, add_version

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "김철수 씨가 서울 대학교에 갔다"
NAME, CITY = (0, 3, "PS"), (7, 9, "LC")


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


def records(*entities):
    return [
        {"start": start, "end": end, "label": label, "probability": 0.97}
        for start, end, label in entities
    ]


def regions(*entities):
    return [
        {
            "id": f"r{start}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {"start": start, "end": end, "labels": [label]},
        }
        for start, end, label in entities
    ]


def predicted(session, document, version, *entities):
    found = Prediction(
        document_id=document.id,
        version_id=version.id,
        entities=records(*entities),
        confidence=0.9,
    )
    session.add(found)
    session.flush()
    return found


def submit(session, document, version, *entities, number=1, minute=0, user=1):
    record_state(
        session,
        document,
        SeenAnnotation(
            number=number,
            task=document.task_id,
            created_at=START,
            updated_at=START + timedelta(minutes=minute),
            status=AnnotationStatus.SUBMITTED,
            regions=regions(*entities),
            lead_time=4.0,
            user=user,
            email=f"annotator-{user}@example.com",
            version_name=version.name if version is not None else None,
            predicted_regions=None,
        ),
    )
    session.flush()


@pytest.fixture
def desk(session):
    """A project, a document of which v1 said a name and a city, and the next version."""
    project = add_project(session)
    (document,) = add_documents(session, project, [TEXT])
    document.task_id, document.task_state = 1, "open"
    document.group_key = group_key(TEXT)
    first, second = add_version(session, project, "v1"), add_version(session, project, "v2")
    predicted(session, document, first, NAME, CITY)
    return project, document, first, second


def copy_of(session, project, document, text, *, near=False):
    """Another document: an exact copy by its normal form, or a near copy by its group."""
    number = session.scalar(select(func.count()).select_from(Document))
    other = Document(
        project_id=project.id, external_id=f"copy {number}", text=text, group_key=group_key(text)
    )
    session.add(other)
    session.flush()
    if near:
        document.near_id = other.near_id = document.id
    session.flush()
    return other


def again(session, project, version, document, *entities):
    found = rejections.made_again(session, project, version, {document.id: records(*entities)})
    return sorted(entity.key for entity in found.get(document.id, ()))


def test_what_a_person_did_not_let_stand_is_kept_with_what_it_became(session, desk):
    project, document, first, _ = desk
    submit(session, document, first, (0, 5, "PS"), (7, 9, "PS"))
    rows = session.scalars(select(Rejection).order_by(Rejection.start)).all()
    told = [(one.kind, one.form, one.label, one.became_stop, one.became_label) for one in rows]
    assert told == [("moved", "김철수", "PS", 5, "PS"), ("relabelled", "서울", "LC", 9, "PS")]
    assert {one.version_name for one in rows} == {"v1"}
    assert corrected(session, project.id, ["서울"]) == [("서울", "LC", "relabelled", "PS", 1)]


def test_others_who_are_still_asked_are_not_told_what_the_first_rejected(session, desk):
    project, document, first, second = desk
    row = Sharing(document_id=document.id, project_id=project.id, annotators=2)
    session.add(row)
    submit(session, document, first, NAME)
    assert document.task_state == TaskState.OPEN
    assert again(session, project, second, document, CITY) == []
    assert corrected(session, project.id, ["서울"]) == []
    submit(session, document, first, NAME, number=2, minute=1, user=2)
    assert document.task_state == TaskState.DONE
    assert again(session, project, second, document, CITY) == [CITY]
    assert corrected(session, project.id, ["서울"]) == [("서울", "LC", "removed", None, 1)]


def test_nothing_is_kept_of_what_was_let_stand_or_added(session, desk):
    _, document, first, _ = desk
    submit(session, document, first, NAME, CITY, (10, 13, "LC"))
    assert session.scalars(select(Rejection)).all() == []


@pytest.mark.parametrize(
    ("text", "near", "city"),
    [
        (TEXT, False, CITY),
        ("김철수　씨가  서울 대학교에 갔다", False, (8, 10, "LC")),  # other spaces: an exact copy
        ("어제 김철수 씨가 서울 대학교에 갔다!", True, (10, 12, "LC")),
    ],
)
def test_it_is_recognised_at_the_same_place_of_a_copy_and_nowhere_else(
    session, desk, text, near, city
):
    project, document, first, second = desk
    other = copy_of(session, project, document, text, near=near)
    submit(session, document, first, NAME)
    start, end, label = city
    assert text[start:end] == "서울"
    assert again(session, project, second, other, city) == [city]
    assert again(session, project, second, other, (start, end, "PS")) == []
    assert again(session, project, second, other, (start, end + 2, label)) == []
    stranger = copy_of(session, project, document, "김철수 씨가 부산 대학교에서 왔다")
    assert again(session, project, second, stranger, CITY) == []


def test_the_same_string_elsewhere_in_a_near_copy_is_another_suggestion(session, desk):
    project, document, first, second = desk
    text = "김철수 씨가 서울 대학교에 갔다 서울"
    other = copy_of(session, project, document, text, near=True)
    submit(session, document, first, NAME)
    assert again(session, project, second, other, CITY, (17, 19, "LC")) == [CITY]


def test_a_later_annotation_that_has_it_contradicts_it(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    assert again(session, project, second, document, NAME, CITY) == [CITY]
    submit(session, document, first, NAME, CITY, minute=5)
    assert again(session, project, second, document, NAME, CITY) == []
    submit(session, document, first, CITY, minute=9)
    assert again(session, project, second, document, NAME, CITY) == [NAME]
    record_deletion(session, project.id, 1)
    assert again(session, project, second, document, NAME, CITY) == []


def test_an_edit_after_a_version_was_cleaned_up_in_label_studio_keeps_rejecting(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    submit(session, document, None, NAME, (10, 13, "LC"), minute=5)
    state = session.scalars(select(AnnotationState).order_by(AnnotationState.id.desc())).first()
    assert (state.version_name, state.correction["added"]) == ("v1", 1)
    assert again(session, project, second, document, CITY) == [CITY]
    submit(session, document, None, NAME, CITY, minute=9)
    assert again(session, project, second, document, CITY) == []


def test_another_annotator_or_the_gold_contradicts_it(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    submit(session, document, first, NAME, CITY, number=2, user=2)
    assert session.get(Gold, document.id) is None  # they disagree
    assert again(session, project, second, document, CITY) == []
    record_deletion(session, project.id, 2)
    assert again(session, project, second, document, CITY) == [CITY]
    adjudicated = [{"start": 7, "end": 9, "label": "LC"}]
    project.gold_revision += 1
    put_gold(
        session,
        project,
        [NewGold(document.id, adjudicated, GoldSource.DECISION, project.gold_revision, START)],
    )
    assert again(session, project, second, document, CITY) == []


@pytest.mark.parametrize(
    ("minute", "start", "expected"),
    [(5, 7, []), (-5, 7, [CITY]), (5, 19, [CITY])],  # newer, older, newer at another place
)
def test_newer_gold_of_a_near_copy_contradicts_it_at_the_same_place(
    session, desk, minute, start, expected
):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    other = copy_of(session, project, document, f"{TEXT}! 서울", near=True)
    project.gold_revision += 1
    records = [{"start": start, "end": start + 2, "label": "LC"}]
    assert other.text[start : start + 2] == "서울"
    time = START + timedelta(minutes=minute)
    put_gold(
        session,
        project,
        [NewGold(other.id, records, GoldSource.PERSON, project.gold_revision, time)],
    )
    read_gold(session, project)
    assert again(session, project, second, document, NAME, CITY) == expected


def test_what_a_version_calls_otherwise_is_compared_under_golds_name(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    second.figures = {"labels": {"trained": ["LOC", "PS"], "mapping": {"LC": "LOC"}}}
    assert again(session, project, second, document, (7, 9, "LOC")) == [(7, 9, "LOC")]


def test_people_are_not_shown_it_and_our_copy_says_why(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    kept = predicted(session, document, second, NAME, CITY)
    assert rejections.mark(session, project, second, [document.id]) == 1
    assert [one.get("rejected", False) for one in kept.entities] == [False, True]
    assert kept.entities[1]["probability"] == 0.97
    shown = autolabels.shown(session, pool.predictions(session, second.id, [document.id]))
    assert [one["start"] for one in shown[document.id].entities] == [0]

    # nobody removed what they were not shown
    submit(session, document, second, NAME, minute=3)
    state = session.scalars(select(AnnotationState).order_by(AnnotationState.id.desc())).first()
    assert state.correction["removed"] == 0
    assert rejections.mark(session, project, second, [document.id]) == 0  # nor rejects it now
    assert kept.entities == records(NAME, CITY)


def test_no_rule_accepts_a_document_with_it(session):
    project = add_project(session, audit_share=0, random_share=0)
    document, other, free = add_documents(
        session, project, ["롯데는 어제 이겼다", "롯데는 어제 또 이겼다", "롯데는 내일 진다"]
    )
    document.task_id, document.task_state = 1, "open"
    document.near_id = other.near_id = document.id
    first, version = add_version(session, project, "v1"), add_version(session, project, "v2")
    predicted(session, document, first, (0, 2, "PS"))
    submit(session, document, first)
    promise = add_promise(session, project, version)

    stored = put(session, project, version, promise, [said(other, 0.99), said(free, 0.99)])
    assert (stored.items, stored.accepted) == (2, 1)
    item = session.get(Autolabel, other.id)
    assert (item.state, item.entities[0]["rejected"]) == (AutolabelState.PENDING, True)
    assert session.get(Gold, other.id) is None
    assert session.get(Gold, free.id).source == GoldSource.RULE


def test_items_that_were_pending_before_it_was_rejected_are_not_accepted_either(session):
    project = add_project(session, audit_share=0, random_share=0)
    document, other = add_documents(
        session, project, ["롯데는 어제 이겼다", "롯데는 어제 또 이겼다"]
    )
    document.task_id, document.task_state = 1, "open"
    document.near_id = other.near_id = document.id
    first, version = add_version(session, project, "v1"), add_version(session, project, "v2")
    predicted(session, document, first, (0, 2, "PS"))
    put(session, project, version, None, [said(other, 0.99)])
    submit(session, document, first)
    promise = add_promise(session, project, version)
    assert accept_pending(session, project, promise, 0, START) == other.id
    item = session.get(Autolabel, other.id)
    assert (item.state, item.entities[0]["rejected"]) == (AutolabelState.PENDING, True)


def test_annotations_from_before_are_made_rejections_of_once_and_go_on(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    submit(session, document, first, NAME, number=2, minute=1, user=2)  # of this one it is kept
    submit(session, document, first, NAME, CITY, number=3, minute=2, user=3)  # rejected nothing
    kept = session.scalars(select(Rejection).order_by(Rejection.id)).all()
    session.delete(kept[0])
    session.flush()
    assert make_rejections(session, project) == 0  # a project of this release has them all
    project.rejections_after = 0
    assert [make_rejections(session, project, 1) for _ in range(4)] == [1, 1, 0, 0]
    assert project.rejections_after is None
    rows = session.scalars(select(Rejection).order_by(Rejection.annotation_state_id)).all()
    told = [(one.kind, one.form, one.start, one.version_name) for one in rows]
    assert told == [("removed", "서울", 7, "v1")] * 2
    record_deletion(session, project.id, 3)
    assert again(session, project, second, document, CITY) == [CITY]


SYLLABLES = st.text("가나다라마바사아😀é", min_size=1, max_size=12)


@given(SYLLABLES, SYLLABLES, SYLLABLES, st.text("하자차카", max_size=3), st.booleans())
def test_a_place_is_the_same_wherever_the_text_around_it_has_grown(
    before, inside, after, more, in_front
):
    source = f"{before}X{inside}Y{after}"
    text = f"{more}{source}" if in_front else f"{source}{more}"
    start = len(before)
    gone = rejections.Place(source, start, start + len(inside) + 2)
    shift = len(more) if in_front else 0
    places = {
        (left, right)
        for left in range(len(text))
        for right in range(left + 1, len(text) + 1)
        if rejections._same_place(rejections.Place(text, left, right), gone, casefold=False)
    }
    assert places == {(gone.start + shift, gone.stop + shift)}


def test_of_many_rejections_in_one_group_the_newest_is_told(session, desk):
    project, document, first, second = desk
    submit(session, document, first, NAME)
    for number in range(3):
        other = copy_of(session, project, document, f"{TEXT}{'.' * (number + 1)}", near=True)
        other.task_id, other.task_state = number + 2, "open"
        predicted(session, other, first, NAME, CITY)
        submit(session, other, first, NAME, number=number + 2)
    fresh = copy_of(session, project, document, f"{TEXT}?!", near=True)
    said = {fresh.id: records(CITY)}
    ((rejected,),) = [
        found.values() for found in rejections.made_again(session, project, second, said).values()
    ]
    assert rejected.document.id == other.id
