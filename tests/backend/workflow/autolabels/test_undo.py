"""What was decided in the autolabel queue goes back, unless something has come of it."""

from datetime import timedelta

import pytest

from backend.db import autolabel_queue, autolabels
from backend.db.label_counts import label_counts
from backend.db.tables import Gold, GoldSource, TaskState
from backend.db.tables_of_autolabel import AutolabelState, PromiseState
from backend.errors import ConflictError, NotFoundError
from backend.workflow.autolabels import moves
from backend.workflow.autolabels.undo import Undone, undo
from tests.backend.workflow.autolabels.test_items import TIME, add_promise, item, put, said, texts
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version

BY = "curator@example.com"
LATER, LAST = TIME + timedelta(minutes=1), TIME + timedelta(minutes=2)


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


@pytest.fixture
def queue(session):
    """A project, its promise, and three documents of which the rule has accepted the last."""
    project = add_project(session, audit_share=0)
    documents = add_documents(session, project, texts(3))
    version = add_version(session, project)
    promise = add_promise(session, project, version, threshold=0.8)
    proposals = [
        said(one, confidence) for one, confidence in zip(documents, (0.6, 0.7, 0.9), strict=True)
    ]
    put(session, project, version, promise, proposals)
    return project, promise, documents


def act(session, project, stage, documents, time=LATER) -> tuple[int, int]:
    """Decide about documents; the first and the last of the changes that this made."""
    ids = [one.id for one in documents]
    stage(session, project, ids, BY, time)
    found = autolabel_queue.changes_of(session, ids, BY, time)
    assert found is not None
    return found


def states(session, documents) -> list[str]:
    return [item(session, one).state for one in documents]


def test_what_was_accepted_waits_again_without_gold(session, queue):
    project, _, documents = queue
    counts = [(one.kind, one.label, one.entities) for one in label_counts(session, project.id)]
    revision = project.gold_revision
    action = act(session, project, moves.accept, documents[:2])
    assert undo(session, project, *action, BY, LAST) == Undone(items=2, kept=0)
    assert states(session, documents) == ["pending", "pending", "by_rule"]
    assert session.get(Gold, documents[0].id) is None
    assert project.gold_revision == revision + 2
    after = [(one.kind, one.label, one.entities) for one in label_counts(session, project.id)]
    assert after == counts
    last = autolabels.history(session, documents[0].id)[-1]
    assert (last.state, last.changed_by, last.reason) == ("pending", BY, "undone")
    assert undo(session, project, *action, BY, LAST) == Undone(items=0, kept=2)


def test_what_was_rejected_is_what_it_was(session, queue):
    project, promise, documents = queue
    pending, accepted, by_rule = documents
    act(session, project, moves.accept, [accepted], TIME + timedelta(seconds=1))
    action = act(session, project, moves.reject, documents)
    assert states(session, documents) == ["rejected"] * 3
    assert undo(session, project, *action, BY, LAST).items == 3
    assert states(session, documents) == ["pending", "by_person", "by_rule"]
    assert session.get(Gold, pending.id) is None
    assert session.get(Gold, accepted.id).source == GoldSource.PERSON
    gold = session.get(Gold, by_rule.id)
    assert (gold.source, gold.promise_id, gold.version_name) == ("rule", promise.id, "v1")
    assert gold.entities == [{"start": 0, "end": 2, "label": "PS"}]


def test_what_a_stopped_promise_had_accepted_is_recalled_and_not_gold(session, queue):
    project, promise, documents = queue
    action = act(session, project, moves.reject, documents[2:])
    promise.state = PromiseState.STOPPED
    assert undo(session, project, *action, BY, LAST).items == 1
    assert states(session, documents[2:]) == [AutolabelState.RECALLED]
    assert session.get(Gold, documents[2].id) is None


def test_what_was_sent_leaves_the_queue_unless_label_studio_has_it(session, queue):
    project, _, documents = queue
    action = act(session, project, moves.send, documents[:2])
    documents[1].task_id, documents[1].task_state = 7, TaskState.OPEN
    assert undo(session, project, *action, BY, LAST) == Undone(items=1, kept=1)
    assert [one.queue_number for one in documents[:2]] == [None, 2]
    assert states(session, documents[:2]) == ["pending", "sent"]


def test_what_people_have_done_since_stays(session, queue):
    project, _, documents = queue
    accepted = act(session, project, moves.accept, documents[:1])
    gold = add_gold(session, documents[0], label="LC")  # corrected since
    gold.version_name = None
    session.flush()
    assert undo(session, project, *accepted, BY, LAST) == Undone(items=0, kept=1)
    assert session.get(Gold, documents[0].id).entities[0]["label"] == "LC"
    rejected = act(session, project, moves.reject, documents[1:2])
    documents[1].queue_number = 9  # chosen for people since
    session.flush()
    assert undo(session, project, *rejected, BY, LAST) == Undone(items=0, kept=1)


def test_only_an_action_of_this_queue_can_be_undone(session, queue):
    project, _, documents = queue
    act(session, project, moves.accept, documents[:1])
    stored = autolabels.history(session, documents[1].id)[0]  # a run's doing, not a person's
    other = add_project(session, "other")
    action = act(session, project, moves.reject, documents[1:2], LAST)
    for where, first, last in (
        (project, stored.id, stored.id),
        (project, 10**6, 10**6),
        (other, *action),
    ):
        with pytest.raises(NotFoundError):
            undo(session, where, first, last, BY, LAST)


def test_an_item_that_is_not_as_it_was_seen_is_refused_by_name(session, queue):
    project, _, documents = queue
    seen = {one.id: item(session, one).changed_at for one in documents}
    moves.refuse_changed(session, seen)
    act(session, project, moves.reject, documents[1:2])
    with pytest.raises(ConflictError, match=f"document {documents[1].id} .* rejected, by {BY}"):
        moves.refuse_changed(session, seen)
