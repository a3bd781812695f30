"""The items of the autolabel queue: stored once, accepted by the rule, moved with a record."""

import hashlib
from datetime import UTC, datetime

import pytest

from backend.db import autolabels, pool
from backend.db.label_counts import label_counts
from backend.db.runs import changed_by_people
from backend.db.tables import Arm, Document, Gold, GoldSource, Part, Prediction
from backend.db.tables_of_autolabel import Audit, Autolabel, AutolabelState, Promise, PromiseState
from backend.errors import ConflictError, NotFoundError
from backend.workflow.autolabels import moves
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.rule import accept_pending
from backend.workflow.autolabels.store import store
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version

TIME = datetime(2026, 3, 1, tzinfo=UTC)
BORDER = "2666"  # of 15 %: hashes that sort before it are the random arm's


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


def texts(count: int, *, random: bool = False, first: int = 0) -> list[str]:
    """Texts whose hashes lie in the random arm's range, or beyond it."""
    found = []
    number = first
    while len(found) < count:
        text = f"롯데는 {number}번 이겼다"
        if (hashlib.sha256(text.encode()).hexdigest() < BORDER) == random:
            found.append(text)
        number += 1
    return found


def add_promise(session, project, version, threshold=0.9, state=PromiseState.IN_FORCE) -> Promise:
    promise = Promise(
        project_id=project.id,
        version_id=version.id,
        p=0.95,
        delta=0.05,
        threshold=threshold,
        state=state,
        signed_by="curator@example.com",
    )
    session.add(promise)
    session.flush()
    return promise


def said(document: Document, confidence: float, label: str = "PS") -> Proposal:
    entity = {"start": 0, "end": 2, "label": label, "probability": confidence}
    return Proposal(document.id, [entity], confidence)


def put(session, project, version, promise, proposals):
    return store(session, project, version, promise, proposals, "run 1", TIME)


def item(session, document) -> Autolabel:
    session.expire_all()
    return session.get(Autolabel, document.id)


def test_what_is_sure_enough_becomes_gold_by_rule_and_the_rest_waits(session):
    project = add_project(session, audit_share=0)
    sure, unsure = add_documents(session, project, texts(2))
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    before = project.gold_revision

    stored = put(session, project, version, promise, [said(sure, 0.9), said(unsure, 0.89)])
    assert (stored.items, stored.accepted) == (2, 1)
    gold = session.get(Gold, sure.id)
    assert (gold.source, gold.promise_id, gold.version_name) == ("rule", promise.id, "v1")
    assert gold.entities == [{"start": 0, "end": 2, "label": "PS"}]
    assert gold.revision == project.gold_revision == before + 1
    assert session.get(Gold, unsure.id) is None
    assert item(session, sure).state == AutolabelState.BY_RULE
    assert item(session, unsure).state == AutolabelState.PENDING
    assert (sure.arm, sure.part) == (Arm.RANKED, Part.TRAIN)
    assert unsure.part is None
    assert changed_by_people(session, project.id, 0) == 0
    (change,) = autolabels.history(session, sure.id)
    assert (change.state, change.changed_by, change.version_id) == (
        "by_rule",
        f"promise {promise.id}",
        version.id,
    )
    assert change.changed_at == TIME
    assert [one.id for one in session.scalars(pool.pool(project.id))] == [unsure.id]


def test_the_same_output_twice_changes_nothing(session):
    project = add_project(session, audit_share=1)
    documents = add_documents(session, project, texts(4))
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    proposals = [said(one, 0.85 + number / 20) for number, one in enumerate(documents)]

    def everything():
        counts = [
            (row.kind, row.entities, row.documents) for row in label_counts(session, project.id)
        ]
        states = autolabels.state_counts(session, project.id)
        history = [len(autolabels.history(session, one.id)) for one in documents]
        return counts, states, history, project.gold_revision

    assert put(session, project, version, promise, proposals[:2]).items == 2
    assert put(session, project, version, promise, proposals).items == 2
    once = everything()
    assert put(session, project, version, promise, proposals).items == 0
    assert everything() == once
    assert once[0] == [("autolabel", 4, 4), ("gold", 3, 3), ("prediction", 4, 4)]


def test_without_a_promise_everything_waits(session):
    project = add_project(session)
    (document,) = add_documents(session, project, texts(1))
    version = add_version(session, project)
    for promise in (None, add_promise(session, project, version, threshold=None)):
        put(session, project, version, promise, [said(document, 1.0)])
    assert item(session, document).state == AutolabelState.PENDING
    assert session.get(Gold, document.id) is None


def test_what_may_be_drawn_to_judge_models_is_left_to_people(session):
    project = add_project(session)
    (random,) = add_documents(session, project, texts(1, random=True))
    near_random, near_gate, gate, plain = add_documents(session, project, texts(4))
    random.near_id = near_random.near_id = random.id
    near_gate.near_id = gate.near_id = gate.id
    add_gold(session, gate, part=Part.GATE)
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    documents = [random, near_random, near_gate, plain]
    put(session, project, version, promise, [said(one, 0.99) for one in documents])
    states = [item(session, one).state for one in documents]
    assert states == ["pending", "pending", "pending", "by_rule"]
    for one in (random, near_gate):
        with pytest.raises(ConflictError, match="only chance"):
            moves.accept(session, project, [one.id], "curator@example.com", TIME)
        with pytest.raises(ConflictError, match="only chance"):
            moves.send(session, project, [one.id], "curator@example.com", TIME)


def test_who_left_the_pool_meanwhile_is_passed_over(session):
    project = add_project(session)
    gold, queued, copy_of, waits = add_documents(session, project, texts(4))
    add_gold(session, gold)
    queued.queue_number = 1
    copy_of.canonical_id = gold.id
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    proposals = [said(one, 0.99) for one in (gold, queued, copy_of, waits)]
    assert put(session, project, version, promise, proposals).items == 1
    assert [item(session, one) for one in (gold, queued, copy_of)] == [None] * 3


def test_a_new_version_replaces_what_waits_and_leaves_what_is_gold(session):
    project = add_project(session, audit_share=0)
    accepted, pending, rejected = add_documents(session, project, texts(3))
    old, new = add_version(session, project), add_version(session, project, "v2")
    promise = add_promise(session, project, old)
    put(session, project, old, promise, [said(accepted, 0.99), said(pending, 0.5)])
    put(session, project, old, promise, [said(rejected, 0.5)])
    moves.reject(session, project, [rejected.id], "curator@example.com", TIME)

    waiting = autolabels.without_item(session, project.id, new.id, after=0, limit=9)
    assert [number for number, _ in waiting] == [pending.id, rejected.id]
    second = add_promise(session, project, new)
    put(
        session,
        project,
        new,
        second,
        [said(one, 0.99, "LC") for one in (accepted, pending, rejected)],
    )
    assert item(session, accepted).version_id == old.id
    assert session.get(Gold, accepted.id).version_name == "v1"
    assert (item(session, pending).version_id, item(session, pending).state) == (new.id, "by_rule")
    # a person has said no once: the rule does not say yes afterwards
    assert (item(session, rejected).version_id, item(session, rejected).state) == (
        new.id,
        "pending",
    )
    kept = session.query(Prediction.document_id, Prediction.version_id).all()
    assert sorted(kept) == [(accepted.id, old.id), (pending.id, new.id), (rejected.id, new.id)]
    counts = {
        (row.kind, row.version_id, row.label): row.entities
        for row in label_counts(session, project.id)
        if row.kind != "gold"
    }
    assert counts == {
        ("autolabel", old.id, "PS"): 1,
        ("autolabel", new.id, "LC"): 2,
        ("prediction", old.id, "PS"): 1,
        ("prediction", new.id, "LC"): 2,
    }
    states = [(one.state, one.version_id) for one in autolabels.history(session, rejected.id)]
    assert states == [("pending", old.id), ("rejected", old.id), ("pending", new.id)]


def test_the_audit_takes_its_share_by_hash(session):
    project = add_project(session, audit_share=0.3)
    documents = add_documents(session, project, texts(200))
    version = add_version(session, project)
    promise = add_promise(session, project, version)
    put(session, project, version, promise, [said(one, 0.95) for one in documents])
    session.expire_all()
    audited = {one.id for one in documents if session.get(Autolabel, one.id).audit == Audit.OPEN}
    assert 40 < len(audited) < 80
    assert autolabels.blind(session, [one.id for one in documents]) == audited


def test_what_was_stored_before_the_promise_is_accepted_after(session):
    project = add_project(session)
    documents = add_documents(session, project, texts(6))
    version = add_version(session, project)
    put(
        session,
        project,
        version,
        None,
        [said(one, 0.8 + n / 30) for n, one in enumerate(documents)],
    )
    promise = add_promise(session, project, version, threshold=0.9)
    last = accept_pending(session, project, promise, 0, TIME)
    assert last == documents[-1].id
    assert accept_pending(session, project, promise, last, TIME) == 0
    states = [item(session, one).state for one in documents]
    assert states == ["pending"] * 3 + ["by_rule"] * 3
    assert session.get(Gold, documents[-1].id).promise_id == promise.id


def test_a_curator_accepts_rejects_and_sends(session):
    project = add_project(session)
    accepted, rejected, sent, other = add_documents(session, project, texts(4))
    version = add_version(session, project)
    put(session, project, version, None, [said(one, 0.5) for one in (accepted, rejected, sent)])
    by = "curator@example.com"

    assert moves.accept(session, project, [accepted.id], by, TIME) == 1
    gold = session.get(Gold, accepted.id)
    assert (gold.source, gold.version_name, gold.revision) == (
        "person",
        "v1",
        project.gold_revision,
    )
    assert (accepted.part, item(session, accepted).state) == (Part.TRAIN, "by_person")
    assert changed_by_people(session, project.id, 0) == 1

    assert moves.reject(session, project, [rejected.id, accepted.id], by, TIME) == 2
    assert session.get(Gold, accepted.id) is None
    assert item(session, accepted).state == item(session, rejected).state == "rejected"

    assert moves.send(session, project, [sent.id], by, TIME) == 1
    assert (sent.queue_number, item(session, sent).state) == (1, "sent")
    assert [one.id for one in pool.reserved_documents(session, project.id)] == [sent.id]
    with pytest.raises(ConflictError, match="sent"):
        moves.accept(session, project, [sent.id], by, TIME)
    with pytest.raises(NotFoundError):
        moves.accept(session, project, [other.id], by, TIME)
    (birth, change) = autolabels.history(session, sent.id)
    assert (birth.state, birth.changed_by) == ("pending", "run 1")
    assert (change.state, change.changed_by, change.changed_at) == ("sent", by, TIME)


def test_the_surest_are_offered_first_without_the_random_arm(session):
    project = add_project(session)
    (random,) = add_documents(session, project, texts(1, random=True))
    documents = add_documents(session, project, texts(5))
    version = add_version(session, project)
    proposals = [said(one, 0.5 + n / 10) for n, one in enumerate(documents)]
    put(session, project, version, None, [*proposals, said(random, 0.99)])
    assert moves.surest(session, project, 2) == [documents[4].id, documents[3].id]


def test_gold_of_people_stays_when_somebody_rejects_the_item(session):
    project = add_project(session)
    (document,) = add_documents(session, project, texts(1))
    version = add_version(session, project)
    put(session, project, version, None, [said(document, 0.5)])
    add_gold(session, document, source=GoldSource.PERSON)
    for stage in (moves.reject, moves.accept, moves.send):
        with pytest.raises(ConflictError, match="by a person"):
            stage(session, project, [document.id], "curator@example.com", TIME)
    assert session.get(Gold, document.id).entities == [{"start": 0, "end": 1, "label": "PS"}]


def test_gold_bears_the_names_that_people_give_whatever_the_version_calls_them(session):
    project = add_project(session, audit_share=0)
    by_rule, by_person = add_documents(session, project, texts(2))
    version = add_version(session, project)
    labels = {"trained": ["PERSON"], "mapping": {"PS": "PERSON"}, "left_out": {}}
    version.figures = {"labels": labels}
    promise = add_promise(session, project, version)
    put(
        session,
        project,
        version,
        promise,
        [said(by_rule, 0.95, "PERSON"), said(by_person, 0.5, "PERSON")],
    )
    moves.accept(session, project, [by_person.id], "curator@example.com", TIME)
    for document in (by_rule, by_person):
        assert session.get(Gold, document.id).entities == [{"start": 0, "end": 2, "label": "PS"}]
