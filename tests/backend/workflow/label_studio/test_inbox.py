"""From a real Label Studio's deliveries to gold, and from made-up ones in any order."""

import copy

import pytest

from backend.clients.label_studio import LabelStudio
from backend.db.tables import Account, AnnotationState, InboxEvent
from backend.loop import inbox
from tests.backend.workflow.receiver import CONFIG, TEXTS, region

pytestmark = pytest.mark.real


PER, LOC = (1, 4, "PER"), (6, 8, "LOC")


def test_a_submission_becomes_gold_with_annotator_and_origin(desk, client, label_studio):
    task = desk.send()[0]
    client.import_predictions(
        desk.label_studio_id,
        [{"task": task, "result": [region(*PER)], "score": 0.4, "model_version": "v1"}],
    )
    prediction = client.task(task)["predictions"][0]["id"]
    client.submit(task, [region(*PER), region(*LOC)], lead_time=4.5, parent_prediction=prediction)
    report = desk.drain()

    document = desk.document(task)
    assert document.text == TEXTS[0]
    assert (document.external_id, document.task_state) == ("d0", "done")
    assert desk.gold(document) == [PER, LOC]
    assert report.changed_projects == {desk.project.id}
    assert (report.refused, report.waiting) == (0, 0)
    with desk.database.read() as session:
        state = session.query(AnnotationState).one()
        assert session.get(Account, state.account_id).email == label_studio.email
    assert (state.lead_time, state.version_name) == (4.5, "v1")
    assert state.correction["kept"] == state.correction["added"] == 1
    assert "token" not in str(desk.events()[-1].payload["project"].keys())


def test_an_edit_replaces_and_a_deletion_withdraws(desk, client):
    task = desk.send()[0]
    annotation = client.submit(task, [region(*PER)])
    desk.drain()
    client.update_annotation(annotation["id"], result=[region(*LOC)])
    desk.drain()
    document = desk.document(task)
    assert desk.gold(document) == [LOC]
    client.delete_annotation(annotation["id"])
    report = desk.drain()
    assert report.changed_projects
    assert desk.gold(document) is None
    assert desk.document(task).task_state == "open"


def test_a_skip_is_done_without_gold(desk, client):
    task = desk.send()[0]
    client.submit(task, [], was_cancelled=True)
    assert desk.drain().changed_projects == set()
    document = desk.document(task)
    assert (document.task_state, desk.gold(document)) == ("done", None)


def test_lists_of_annotations_each_count(desk, client):
    tasks = desk.send()
    client.import_predictions(
        desk.label_studio_id,
        [
            {"task": task, "result": [region(0, 1, "PER")], "score": 0.1, "model_version": "v1"}
            for task in tasks
        ],
    )
    client._call(
        "POST",
        "api/dm/actions/",
        params={"id": "predictions_to_annotations", "project": desk.label_studio_id},
        body={"selectedItems": {"all": True, "excluded": []}},
    )
    desk.drain()
    assert "ANNOTATIONS_CREATED" in {event.action for event in desk.events()}
    assert all(desk.gold(one) == [(0, 1, "PER")] for one in desk.documents())


def test_tasks_made_in_label_studio_become_documents(desk, client):
    (task,) = client.import_tasks(desk.label_studio_id, [{"data": {"text": "새 글"}}])
    report = desk.drain()
    document = desk.document(task)
    assert (document.text, document.external_id) == ("새 글", f"ls-{task}")
    assert report.new_task_projects == {desk.project.id}


def test_a_task_without_text_is_told_and_the_others_count(desk, client):
    client.update_project(desk.label_studio_id, label_config=CONFIG)
    made = client.import_tasks(
        desk.label_studio_id, [{"data": {"text": 7}}, {"data": {"text": "새 글"}}]
    )
    desk.drain()
    assert desk.document(made[0]) is None
    assert desk.document(made[1]) is not None


def test_a_deleted_task_keeps_its_gold_and_its_number_may_be_used_again(desk, client):
    tasks = desk.send()
    client.submit(tasks[-1], [region(0, 1, "PER")])
    desk.drain()
    last = desk.document(tasks[-1])
    client.delete_task(tasks[-1])
    desk.drain()
    assert desk.document(tasks[-1]) is None
    assert desk.gold(last) == [(0, 1, "PER")]
    assert [one.task_state for one in desk.documents() if one.id == last.id] == ["deleted"]

    # Label Studio on SQLite gives the number again
    (again,) = client.import_tasks(desk.label_studio_id, [{"data": {"text": "다른 글"}}])
    client.submit(again, [])
    desk.drain()
    assert desk.document(again).text == "다른 글"
    assert desk.gold(last) == [(0, 1, "PER")]


def test_a_number_that_was_used_again_before_we_knew(desk, client):
    tasks = desk.send()
    client.submit(tasks[-1], [region(0, 1, "PER")])
    desk.drain()
    last = desk.document(tasks[-1])
    desk.fall_silent()
    client.delete_task(tasks[-1])
    desk.listen()
    (again,) = client.import_tasks(desk.label_studio_id, [{"data": {"text": "다른 글"}}])
    assert again == tasks[-1]
    client.submit(again, [])
    desk.drain()
    assert desk.document(again).text == "다른 글"
    assert (desk.gold(desk.document(again)), desk.gold(last)) == ([], [(0, 1, "PER")])


def test_a_label_added_in_label_studio_is_known_at_once(desk, client):
    task = desk.send()[0]
    client.update_project(
        desk.label_studio_id,
        label_config=CONFIG.replace("</Labels>", '<Label value="기관"/></Labels>'),
    )
    client.submit(task, [region(6, 8, "기관")])
    desk.drain()
    assert desk.project.labels == ["PER", "LOC", "기관"]
    assert desk.gold(desk.document(task)) == [(6, 8, "기관")]


def deliver(desk, *events):
    """Store payloads as the webhook would."""
    with desk.database.write() as session:
        for payload in events:
            session.add(
                InboxEvent(project_id=desk.project.id, action=payload["action"], payload=payload)
            )


def recorded(desk, client):
    """The real events of a submission, an edit and a deletion, then forgotten by us."""
    task = desk.send()[0]
    annotation = client.submit(task, [region(*PER)])
    client.update_annotation(annotation["id"], result=[region(*LOC)])
    client.delete_annotation(annotation["id"])
    events = [event.payload for event in desk.events() if "ANNOTATION" in event.action]
    with desk.database.write() as session:
        session.query(InboxEvent).filter(InboxEvent.action.like("ANNOTATION%")).delete()
    desk.drain()
    return task, events


def test_any_order_and_repetition_of_deliveries_comes_to_the_same(desk, client):
    task, (created, updated, deleted) = recorded(desk, client)
    deliver(desk, updated, created, updated, created)
    desk.drain()
    assert desk.gold(desk.document(task)) == [LOC]
    revision = desk.project.gold_revision
    deliver(desk, created, updated)
    assert desk.drain().changed_projects == set()
    assert desk.project.gold_revision == revision
    deliver(desk, deleted, created, updated, deleted)
    desk.drain()
    assert desk.gold(desk.document(task)) is None


def test_a_creation_delivered_after_its_deletion_is_not_gold(desk, client):
    task, (created, updated, deleted) = recorded(desk, client)
    deliver(desk, deleted)
    desk.drain()
    deliver(desk, created, updated)
    desk.drain()
    assert desk.gold(desk.document(task)) is None


def test_an_event_that_makes_no_sense_does_not_hold_up_the_rest(desk, client):
    task, (created, _, _) = recorded(desk, client)
    broken = {**created, "annotation": {**created["annotation"], "id": "x"}}
    deliver(desk, broken, created)
    report = desk.drain()
    assert (report.handled, report.refused) == (1, 1)
    assert desk.gold(desk.document(task)) == [PER]
    refused = [event for event in desk.events() if event.state == "refused"]
    assert len(refused) == 1
    assert "'x'" in refused[0].reason


def test_what_needs_no_question_is_handled_while_label_studio_is_down(desk, client):
    task, (created, _, _) = recorded(desk, client)
    asking = copy.deepcopy(created)
    asking["annotation"] |= {"id": 10**6, "parent_prediction": 10**6, "prediction": {}}
    deliver(desk, created)
    desk.drain()  # the annotator is known from now on
    second = copy.deepcopy(created)
    second["annotation"] |= {"id": 10**6 + 1, "updated_at": "2090-01-01T00:00:00Z"}
    deliver(desk, asking, second)
    desk.client = LabelStudio("http://127.0.0.1:9", "token", timeout=1)
    report = desk.drain()
    assert (report.handled, report.waiting) == (1, 1)
    assert [event.attempts for event in desk.events() if event.state == "new"] == [0]
    desk.client = client
    assert desk.drain().handled == 1
    assert desk.gold(desk.document(task)) == [PER]  # all three agree


def test_old_deliveries_are_dropped_once_they_were_handled(desk, client, monkeypatch):
    monkeypatch.setattr(inbox, "DROPPED", 1)
    task, (created, updated, _) = recorded(desk, client)
    deliver(desk, created, {**created, "annotation": {"id": "x"}})
    desk.drain()
    with desk.database.write() as session:
        for event in session.query(InboxEvent):
            event.handled_at -= inbox.KEPT
    deliver(desk, updated)
    desk.drain()
    assert inbox.drop_old(desk.database) > 0
    assert [event.state for event in desk.events()] == ["refused", "done"]
    assert desk.gold(desk.document(task)) == [LOC]
