"""The audit: people's words close items, and a contradicted promise takes back what it gave."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db import autolabels, pool
from backend.db.label_counts import label_counts
from backend.db.session import Database
from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    Arm,
    Document,
    Gold,
    GoldSource,
    Part,
    Prediction,
    Project,
    TaskState,
    Version,
)
from backend.db.tables_of_autolabel import Audit, Autolabel, AutolabelState, Promise, PromiseState
from backend.db.tables_of_labels import LabelMapping
from backend.loop import audits
from backend.loop.copies import label_all_copies
from backend.settings import Settings
from backend.workflow.autolabels import audited as stage
from backend.workflow.autolabels.certify import make_promise, outcomes
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.store import store
from backend.workflow.gold.origins import SeenAnnotation
from backend.workflow.gold.record import record_deletion, record_state
from tests.backend.workflow.autolabels.test_items import TIME, add_promise, texts
from tests.backend.workflow.loop_data import (
    add_documents,
    add_gold,
    add_project,
    add_version,
    open_tasks,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
SAID = [{"start": 0, "end": 2, "label": "PS", "probability": 0.97}]


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


def accepted(session, count: int, **settings) -> tuple[Project, Promise, list[Document]]:
    """A project with documents that the rule has accepted, all of them to be audited."""
    project = add_project(session, audit_share=1, **settings)
    documents = add_documents(session, project, texts(count))
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    proposals = [Proposal(document.id, SAID, 0.97) for document in documents]
    store(session, project, version, promise, proposals, "run 1", TIME)
    return project, promise, documents


def annotate(session, document: Document, *spans: tuple[int, int, str], minute: int = 0):
    """Somebody submits these entities in Label Studio."""
    regions = [
        {
            "id": f"r{number}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {"start": start, "end": end, "labels": [label]},
        }
        for number, (start, end, label) in enumerate(spans)
    ]
    seen = SeenAnnotation(
        number=document.id,
        task=document.task_id,
        created_at=START,
        updated_at=START + timedelta(minutes=minute),
        status=AnnotationStatus.SUBMITTED,
        regions=regions,
        lead_time=1.0,
        user=1,
        email="annotator@example.com",
        version_name="v1",
        predicted_regions=[],
    )
    return record_state(session, document, seen)


def test_what_people_say_closes_the_item_and_counts_in_the_audit(session):
    project, promise, (right, wrong, silent) = accepted(session, 3)
    open_tasks([right, wrong, silent])
    assert annotate(session, right, (0, 2, "PS")).gold_changed
    assert annotate(session, wrong, (0, 2, "LC")).gold_changed
    session.flush()
    items = autolabels.items(session, [right.id, wrong.id, silent.id])
    ordered = [items[one.id] for one in (right, wrong, silent)]
    assert [(one.state, one.audit) for one in ordered] == [
        ("by_person", "right"),
        ("rejected", "wrong"),
        ("by_rule", "open"),
    ]
    assert items[wrong.id].audit_entities == [{"start": 0, "end": 2, "label": "LC"}]
    assert session.get(Gold, right.id).source == session.get(Gold, wrong.id).source == "person"
    assert autolabels.audit_outcomes(session, project.id, promise.id) == [True, False]
    history = [(one.state, one.changed_by) for one in autolabels.history(session, right.id)]
    assert history == [("by_rule", f"promise {promise.id}"), ("by_person", "people")]


def test_an_edit_changes_the_outcome_in_its_place_and_a_deletion_takes_it_back(session):
    project, promise, (first, second) = accepted(session, 2)
    open_tasks([first, second])
    annotate(session, first, (0, 2, "PS"))
    annotate(session, second, (0, 2, "LC"))
    annotate(session, first, (0, 1, "PS"), minute=5)
    assert autolabels.audit_outcomes(session, project.id, promise.id) == [False, False]
    annotate(session, second, (0, 2, "PS"), minute=6)
    assert autolabels.audit_outcomes(session, project.id, promise.id) == [False, True]
    record_deletion(session, project.id, first.id)
    item = session.get(Autolabel, first.id)
    assert (item.state, item.audit, item.audited_at) == ("sent", Audit.OPEN, None)
    assert session.get(Gold, first.id) is None
    assert autolabels.audit_outcomes(session, project.id, promise.id) == [True]


def test_blind_is_blind_and_what_was_sent_shows_its_sure_entities(session):
    project, _, (audited,) = accepted(session, 1)
    version = session.query(Version).one()
    (sent,) = add_documents(session, project, ["한화는 오늘 이겼다"])
    said = [
        {"start": 0, "end": 2, "label": "PS", "probability": 0.9},
        {"start": 4, "end": 6, "label": "LC", "probability": 0.4},
    ]
    store(session, project, version, None, [Proposal(sent.id, said, 0.4)], "run 1", TIME)
    session.flush()
    kept = pool.predictions(session, version.id, [audited.id, sent.id])
    assert autolabels.shown(session, kept)[audited.id].entities == []
    assert autolabels.shown(session, kept)[sent.id].entities == said  # nobody has sent it yet
    session.get(Autolabel, sent.id).state = AutolabelState.SENT
    session.flush()
    assert autolabels.shown(session, kept)[sent.id].entities == said[:1]
    assert session.get(Prediction, (audited.id, version.id)).entities == SAID  # ours is untouched
    assert autolabels.shown(session, {}) == {}


def test_a_blind_annotation_is_compared_with_the_nothing_that_was_shown(session):
    _, _, (document,) = accepted(session, 1)
    open_tasks([document])
    annotate(session, document, (0, 2, "PS"))
    state = session.query(AnnotationState).one()
    assert state.correction["added"] == 1
    assert not state.correction.get("kept")


def test_audits_get_places_over_the_queue_as_there_is_room(session):
    project, _, documents = accepted(session, 30, open_tasks=40)
    waiting = add_documents(session, project, [f"기아는 {n}번 이겼다" for n in range(100)])
    open_tasks(waiting)
    for number, document in enumerate(waiting, start=1):
        document.queue_number = number
    project.last_queue_number = 100
    session.flush()
    assert stage.wants_places(session, project) == 4
    assert stage.give_places(session, project) == 4
    reserved = pool.reserved_documents(session, project.id)
    assert [document.queue_number for document in reserved] == [20, 40, 60, 80]
    assert {document.id for document in reserved} <= {document.id for document in documents}
    assert stage.give_places(session, project) == 0
    for document in reserved:
        document.task_id, document.task_state = 1000 + document.id, TaskState.OPEN
        annotate(session, document, (0, 2, "PS"))
    assert stage.give_places(session, project) == 4


@pytest.fixture
def context(settings: Settings, any_database: Database) -> Context:
    return Context(settings, any_database, JobQueue(settings.redis_address))


def say(context: Context, documents: list[Document], label: str) -> None:
    with context.database.write() as session:
        for document in documents:
            row = session.get_one(Document, document.id)
            row.task_id, row.task_state = row.id, TaskState.OPEN
            annotate(session, row, (0, 2, label))


def test_a_contradicted_promise_ends_and_what_it_accepted_is_recalled(context: Context):
    with context.database.write() as session:
        project, promise, documents = accepted(session, 60)
        version = session.query(Version).one()
        ids = [document.id for document in documents]
    say(context, documents[:8], "PS")
    (found,) = audits.watch(context, project.id)
    assert (found.right, found.wrong, found.upper) == (8, 0, 1.0)
    assert audits.watch(context, project.id) == []  # nothing new to look at

    say(context, documents[8:14], "LC")
    (found,) = audits.watch(context, project.id)
    assert found.upper < promise.p
    assert audits.watch(context, project.id) == []
    with context.database.read() as session:
        ended = session.get_one(Promise, promise.id)
        assert ended.state == PromiseState.STOPPED
        assert "of 14 documents that people labelled blind, 8 were exactly right" in ended.reason
        assert ended.figures["recalled"] == 46
        items = autolabels.items(session, ids)
        states = [items[one].state for one in ids]
        assert states == ["by_person"] * 8 + ["rejected"] * 6 + ["recalled"] * 46
        gold = session.query(Gold).filter(Gold.document_id.in_(ids)).all()
        assert {one.source for one in gold} == {"person"}
        assert len(gold) == 14
        last = autolabels.history(session, ids[-1])[-1]
        assert (last.state, last.changed_by) == ("recalled", f"promise {promise.id}")
        counts = label_counts(session, project.id)
        assert {row.label: row.entities for row in counts if row.kind == "gold"} == {
            "PS": 8,
            "LC": 6,
        }
        waiting = [one.id for one in session.scalars(pool.pool(project.id))]
        assert sorted(waiting) == ids[14:]

    # the same version is not promised again, whatever certify gold says
    with context.database.write() as session:
        project = session.get_one(Project, project.id)
        again = make_promise(session, project, version, "curator@example.com", TIME)
        assert (again.state, again.threshold) == (PromiseState.LACKING, None)
        assert "audit contradicted" in again.reason


def test_a_contradiction_ends_every_promise_of_the_version_that_it_contradicts(context: Context):
    with context.database.write() as session:
        project, promise, documents = accepted(session, 60)
        promise.state = PromiseState.REPLACED  # by one run after another
        version = session.query(Version).one()
        other = add_version(session, project, "v2")
        newer, humbler, of_another = (
            add_promise(session, project, one) for one in (version, version, other)
        )
        humbler.p = 0.5
        (late,) = add_documents(session, project, texts(1, first=10_000))
        store(session, project, version, newer, [Proposal(late.id, SAID, 0.97)], "run 2", TIME)
    say(context, documents[:8], "PS")
    say(context, documents[8:14], "LC")
    audits.watch(context, project.id)
    with context.database.write() as session:
        promises = [session.get_one(Promise, one.id) for one in (promise, newer)]
        assert [one.state for one in promises] == [PromiseState.STOPPED] * 2
        assert [one.figures["recalled"] for one in promises] == [46, 1]
        assert session.get_one(Autolabel, late.id).state == AutolabelState.RECALLED
        left = [session.get_one(Promise, one.id).state for one in (humbler, of_another)]
        assert left == [PromiseState.IN_FORCE] * 2
        told = autolabels.told_promises(session, project.id)
        assert [one.id for one in told][-1] == promise.id
        project = session.get_one(Project, project.id)
        again = make_promise(session, project, version, "curator@example.com", TIME)
        assert (again.state, again.threshold) == (PromiseState.LACKING, None)


def test_copies_follow_what_the_rule_accepts_and_what_the_audit_takes_back(context: Context):
    database = context.database
    with database.write() as session:
        project = add_project(session)
        (original,) = add_documents(session, project, texts(1))
        (copy,) = add_documents(session, project, [original.text.replace(" ", "  ")])
        copy.group_key, copy.canonical_id = original.group_key, original.id
        version = add_version(session, project)
        promise = add_promise(session, project, version)
        session.flush()
        assert [one.id for one in session.scalars(pool.pool(project.id))] == [original.id]
        store(session, project, version, promise, [Proposal(original.id, SAID, 0.97)], "r", TIME)
    assert label_all_copies(database, project.id) == 1
    with database.write() as session:
        gold = session.get_one(Gold, copy.id)
        assert (gold.source, gold.promise_id) == (GoldSource.COPIED, promise.id)
        row = session.get_one(Promise, promise.id)
        row.state, row.reason = PromiseState.STOPPED, "contradicted"
    audits.watch(context, project.id)
    label_all_copies(database, project.id)
    with database.read() as session:
        assert session.query(Gold).count() == 0


def test_a_recall_that_was_broken_off_is_finished(context: Context):
    with context.database.write() as session:
        project, promise, _ = accepted(session, 12)
        promise.state, promise.reason = PromiseState.STOPPED, "contradicted"
        assert stage.recall(session, project, promise, limit=5) == 5
    with context.database.read() as session:
        assert autolabels.state_counts(session, project.id)["recalled"] == 5
    audits.watch(context, project.id)
    with context.database.read() as session:
        assert autolabels.state_counts(session, project.id)["recalled"] == 12
        assert session.get_one(Promise, promise.id).figures["recalled_all"]
        assert session.query(Gold).count() == 0


def test_the_promise_is_of_strict_gold_one_document_a_group_under_the_rules(session):
    project = add_project(session)
    version = add_version(session, project)
    documents = add_documents(session, project, [f"두산은 {n}번 이겼다" for n in range(6)])
    right, wrong_label, more, renamed, near, by_rule = documents
    right.near_id = near.near_id = right.id
    for document in documents:
        document.arm, document.part = Arm.RANDOM, Part.CERTIFY
        gold = add_gold(session, document, label="PS")
        gold.entities = [{"start": 0, "end": 2, "label": "PS"}]
    session.get(Gold, by_rule.id).source = GoldSource.RULE
    session.get(Gold, renamed.id).entities = [{"start": 0, "end": 2, "label": "PERSON"}]
    session.add(
        LabelMapping(
            project_id=project.id,
            number=1,
            mapping={"PERSON": "PS"},
            names={},
            made_by="curator@example.com",
        )
    )
    said = {
        right.id: ("PS",),
        wrong_label.id: ("LC",),
        more.id: ("PS", "PS"),
        renamed.id: ("PS",),
        near.id: ("LC",),
        by_rule.id: ("PS",),
    }
    for number, labels in said.items():
        entities = [
            {"start": 3 * place, "end": 3 * place + 2, "label": label}
            for place, label in enumerate(labels)
        ]
        session.add(
            Prediction(document_id=number, version_id=version.id, entities=entities, confidence=0.9)
        )
    session.flush()
    found = outcomes(session, project, version)
    assert [one.right for one in found] == [True, False, False, True]
    promise = make_promise(session, project, version, "curator@example.com", TIME)
    assert (promise.state, promise.figures["documents"]) == (PromiseState.LACKING, 4)
    later = make_promise(session, project, version, "curator@example.com", TIME)
    assert (promise.state, promise.ended_at, later.state) == ("replaced", TIME, "lacking")


def test_another_run_on_the_same_gold_goes_on_with_the_promise_and_its_audit(session):
    project = add_project(session, autolabel_p=0.5, autolabel_delta=0.4)
    version = add_version(session, project)
    for document in add_documents(session, project, texts(4)):
        document.arm, document.part = Arm.RANDOM, Part.CERTIFY
        add_gold(session, document, label="PS").entities = []
        session.add(
            Prediction(document_id=document.id, version_id=version.id, entities=[], confidence=0.9)
        )
    session.flush()
    promise = make_promise(session, project, version, "curator@example.com", TIME)
    assert (promise.state, promise.figures["documents"]) == (PromiseState.IN_FORCE, 4)
    promise.figures = {**promise.figures, "audit": {"right": 7, "wrong": 3, "upper": 0.9}}
    later = TIME + timedelta(days=1)
    again = make_promise(session, project, version, "scheduler", later)
    assert (again.id, again.state, again.ended_at) == (promise.id, PromiseState.IN_FORCE, None)
    assert stage.seen_counts(again) == (7, 3)
    project.settings = {**project.settings, "autolabel_p": 0.4}
    session.flush()
    other = make_promise(session, project, version, "scheduler", later)
    assert (other.id != promise.id, other.p, stage.seen_counts(other)) == (True, 0.4, (0, 0))
    assert (promise.state, promise.ended_at) == (PromiseState.REPLACED, later)
