"""Everything that a real Label Studio has and we lack, or the reverse, is put right once."""

import pytest

from backend.clients.label_studio import LabelStudio
from backend.db.projects import last_reconciliation
from backend.db.tables import Reconciliation
from backend.errors import InvalidInputError, LabelStudioDownError
from backend.workflow.gold.record import record_deletion
from backend.workflow.label_studio.tasks import document_of_task
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.workflow.receiver import CONFIG, region

pytestmark = pytest.mark.real


def settled(desk):
    """A second look finds nothing; a third changes nothing either."""
    assert dict(desk.reconcile().found) == {}
    revision = desk.project.gold_revision
    assert dict(desk.reconcile().found) == {}
    return desk.project.gold_revision == revision


def test_when_nothing_was_missed_nothing_is_found(desk, client):
    tasks = desk.send()
    client.submit(tasks[0], [region(1, 4, "PER")])
    desk.drain()
    report = desk.reconcile()
    assert dict(report.found) == {}
    assert dict(report.checked) == {"tasks": 5, "annotations": 1}
    assert desk.project.last_sync_at is not None


def test_what_happened_while_nobody_listened(desk, client):
    tasks = desk.send()
    edited = client.submit(tasks[1], [region(0, 3, "PER")])
    deleted = client.submit(tasks[2], [region(0, 1, "PER")])
    desk.drain()
    desk.fall_silent()
    client.submit(tasks[0], [region(1, 4, "PER")])
    client.update_annotation(edited["id"], result=[region(5, 7, "LOC")])
    client.delete_annotation(deleted["id"])
    client.submit(tasks[3], [], was_cancelled=True)
    client.delete_task(tasks[4])
    (made,) = client.import_tasks(
        desk.label_studio_id,
        [
            {
                "data": {"text": "가져온 글"},
                "annotations": [{"result": [region(0, 3, "LOC")]}],
            }
        ],
    )
    desk.listen()
    report = desk.reconcile()

    found = dict(report.found)
    # Label Studio gives the deleted task's number to the new one
    assert made == tasks[4]
    assert found == {
        "annotations_created": 3,
        "annotations_updated": 1,
        "annotations_deleted": 1,
        "tasks_created": 1,
    }
    assert report.gold_changed
    assert report.new_tasks
    documents = {one.external_id: one for one in desk.documents()}
    golds = {name: desk.gold(one) for name, one in documents.items()}
    assert golds == {
        "d0": [(1, 4, "PER")],
        "d1": [(5, 7, "LOC")],
        "d2": None,
        "d3": None,
        "d4": None,
        f"ls-{made}": [(0, 3, "LOC")],
    }
    states = {name: one.task_state for name, one in documents.items()}
    assert states == {
        "d0": "done",
        "d1": "done",
        "d2": "open",
        "d3": "done",
        "d4": "deleted",
        f"ls-{made}": "done",
    }
    assert settled(desk)


def test_deleted_tasks_are_noticed_and_keep_their_gold(desk, client):
    tasks = desk.send()
    client.submit(tasks[0], [region(1, 4, "PER")])
    desk.drain()
    first = desk.document(tasks[0])
    desk.fall_silent()
    for task in tasks[:2]:
        client.delete_task(task)
    desk.listen()
    assert dict(desk.reconcile().found) == {"tasks_deleted": 2}
    assert desk.gold(first) == [(1, 4, "PER")]
    assert settled(desk)


def test_a_number_that_another_project_got_is_gone_from_this_one(desk, client):
    tasks = desk.send()
    client.submit(tasks[-1], [region(0, 1, "PER")])
    desk.drain()
    last = desk.document(tasks[-1])
    desk.fall_silent()
    client.delete_task(tasks[-1])
    other = client.create_project("another", CONFIG)
    assert client.import_tasks(other, [{"data": {"text": "남의 글"}}]) == tasks[-1:]
    desk.listen()
    assert dict(desk.reconcile().found) == {"tasks_deleted": 1}
    assert desk.gold(last) == [(0, 1, "PER")]
    assert settled(desk)


def test_an_annotation_number_that_another_task_got(desk, client):
    tasks = desk.send()
    client.submit(tasks[1], [])  # an imported annotation is given the next number after the last
    first = client.submit(tasks[0], [region(1, 4, "PER")])
    desk.drain()
    desk.fall_silent()
    client.delete_annotation(first["id"])
    (made,) = client.import_tasks(
        desk.label_studio_id,
        [{"data": {"text": "가져온 글"}, "annotations": [{"result": [region(0, 3, "LOC")]}]}],
    )
    (theirs,) = client.task(made)["annotations"]
    assert theirs["id"] == first["id"]
    desk.listen()
    report = desk.reconcile()
    assert report.found["annotations_deleted"] == report.found["annotations_created"] == 1
    assert desk.gold(desk.document(tasks[0])) is None
    assert desk.gold(desk.document(made)) == [(0, 3, "LOC")]
    assert settled(desk)


def test_a_reused_number_whose_first_annotation_nobody_saw_alive(desk, client):
    tasks = desk.send()
    client.submit(tasks[1], [])
    desk.drain()
    desk.fall_silent()
    first = client.submit(tasks[0], [region(1, 4, "PER")])
    desk.listen()
    client.delete_annotation(first["id"])
    desk.drain()
    assert f"not known: [{first['id']}]" in [one.reason for one in desk.events()]
    (made,) = client.import_tasks(
        desk.label_studio_id,
        [{"data": {"text": "가져온 글"}, "annotations": [{"result": [region(0, 3, "LOC")]}]}],
    )
    (theirs,) = client.task(made)["annotations"]
    assert theirs["id"] == first["id"]
    assert desk.reconcile().found["annotations_created"] == 1
    assert desk.gold(desk.document(made)) == [(0, 3, "LOC")]
    assert settled(desk)


def test_a_text_with_nul_is_told_and_holds_nothing_up(desk, client):
    data = [{"data": {"text": "nul \x00"}}, {"data": {"text": "글"}}]
    client.import_tasks(desk.label_studio_id, data)
    desk.drain()
    report = desk.reconcile()
    assert [one.text for one in desk.documents() if one.task_id is not None] == ["글"]
    assert len(report.notes["tasks without text"]) == 1
    assert settled(desk)


def test_half_a_surrogate_pair_is_told(desk):
    """Label Studio stores such a text and cannot show it again, so this is not asked of it."""
    task = {"id": 1, "data": {"text": "half a pair \ud83d"}}
    with (
        desk.database.write() as session,
        pytest.raises(InvalidInputError, match="half a surrogate pair"),
    ):
        document_of_task(session, desk.project, task, parse_label_config(CONFIG))


def test_a_task_whose_text_was_changed_in_place_is_another_document(desk, client):
    tasks = desk.send()
    desk.drain()
    client._call("PATCH", f"api/tasks/{tasks[0]}/", body={"data": {"text": "고친 글"}})
    assert dict(desk.reconcile().found) == {"tasks_created": 1}
    assert desk.document(tasks[0]).text == "고친 글"
    assert settled(desk)


def test_tasks_that_we_sent_and_did_not_note_are_linked_not_doubled(desk):
    desk.fall_silent()
    tasks = desk.send()  # as if the sender died before it noted the numbers
    desk.listen()
    assert dict(desk.reconcile().found) == {"tasks_linked": 5}
    assert [one.task_id for one in desk.documents()] == tasks
    assert settled(desk)


def test_a_deletion_that_was_not_one_is_taken_back(desk, client):
    task = desk.send()[0]
    annotation = client.submit(task, [region(1, 4, "PER")])
    desk.drain()
    with desk.database.write() as session:
        record_deletion(session, desk.project.id, annotation["id"])
    assert desk.gold(desk.document(task)) is None
    report = desk.reconcile()
    assert report.gold_changed
    assert desk.gold(desk.document(task)) == [(1, 4, "PER")]
    assert settled(desk)


def test_exactly_one_hook_of_ours_and_others_are_left_alone(desk, client):
    def make(url, **fields):
        body = {"project": desk.label_studio_id, "url": url, **fields}
        client._call("POST", "api/webhooks/", body=body)

    make("http://127.0.0.1:9/p/news/webhook")  # what attaching our ML backend leaves
    make("http://127.0.0.1:9/webhooks/news")  # where we were before
    make(desk.hook)  # a second one without the secret
    make("http://127.0.0.1:9/somebody/else")
    report = desk.reconcile()
    assert dict(report.found) == {"hooks_repaired": 1}
    hooks = client.wiring.webhooks(desk.label_studio_id)
    assert {one["url"] for one in hooks} == {"http://127.0.0.1:9/somebody/else", desk.hook}
    assert len(hooks) == 2
    ours = next(one for one in hooks if one["url"] == desk.hook)
    assert ours["headers"] == {"Authorization": f"Bearer {desk.secret}"}
    assert desk.reconcile().to_dict()["notes"] == {
        "foreign hooks": ["http://127.0.0.1:9"]  # the rest of an address may be a secret
    }


def test_a_project_that_was_never_connected_gets_no_hook(desk, client):
    desk.fall_silent()
    assert dict(desk.reconcile().found) == {}
    assert client.wiring.webhooks(desk.label_studio_id) == []


def test_a_configuration_changed_while_nobody_listened_is_followed(desk, client):
    desk.fall_silent()
    client.update_project(
        desk.label_studio_id,
        label_config=CONFIG.replace("</Labels>", '<Label value="기관"/></Labels>'),
    )
    desk.listen()
    assert dict(desk.reconcile().found) == {"configuration_changed": 1}
    assert desk.project.labels == ["PER", "LOC", "기관"]
    assert settled(desk)


def test_a_deleted_project_is_reported_and_nothing_is_lost(desk, client):
    task = desk.send()[0]
    client.submit(task, [region(1, 4, "PER")])
    desk.drain()
    document = desk.document(task)
    client._call("DELETE", f"api/projects/{desk.label_studio_id}/")
    report = desk.reconcile()
    assert dict(report.found) == {"project_missing": 1}
    assert desk.gold(document) == [(1, 4, "PER")]
    desk.label_studio_id = client.create_project("news", CONFIG)  # for the fixture's end


def test_nothing_is_concluded_while_label_studio_is_down(desk, client):
    tasks = desk.send()
    desk.drain()
    desk.client = LabelStudio("http://127.0.0.1:9", "token", timeout=1)
    with pytest.raises(LabelStudioDownError):
        desk.reconcile()
    desk.client = client
    assert {one.task_id for one in desk.documents()} == set(tasks)


def test_the_report_is_kept_and_empty_ones_do_not_pile_up(desk):
    desk.send()
    desk.drain()
    desk.fall_silent()
    desk.send()
    desk.listen()
    for _ in range(3):
        desk.reconcile()
    with desk.database.read() as session:
        kept = session.query(Reconciliation).all()
        last = last_reconciliation(session, desk.project.id)
    assert len(kept) == 1
    assert last.report["checked"] == {"tasks": 5, "annotations": 0}
    assert last.report["found"] == {}
