"""Publication against the real Label Studio and the real ML backend."""

import httpx
import pytest
from redis import Redis

from backend.db.tables import Prediction, Project, Publication, Version
from backend.errors import ConflictError, LabelStudioError
from backend.loop import old_predictions, publication
from backend.workflow.publish import stored
from backend.workflow.select import place
from tests.backend.loop.conftest import Killed, World, dying

pytestmark = pytest.mark.real


def assert_published(world: World, project: Project, version: str) -> None:
    """Everything agrees on what is served: us, the store, the ML backend, Label Studio."""
    studio, number = world.context.label_studio, project.label_studio_id
    fresh = world.fresh(project)
    made = world.version(project, version)
    assert (fresh.champion_id, made.state) == (made.id, "champion")
    assert world.context.models.champion(project.key).version == version
    health = httpx.get(f"{world.context.settings.ml_backend_url}/health").json()
    assert health["projects"][project.key]["loaded"] == version
    assert studio.project(number)["model_version"] == version

    documents = world.open_documents(project)
    there = stored(studio, number, version).by_task
    tasks = {document.task_id for document in documents}
    assert tasks <= there.keys()
    assert all(len(there[task]) == 1 for task in tasks)
    for document in documents:
        prediction = there[document.task_id][0]
        assert prediction["score"] == pytest.approx(place(document.queue_number))
        for region in prediction["result"]:
            value = region["value"]
            assert document.text[value["start"] : value["end"]] == value["text"]
            assert 0 <= region["score"] <= 1
    numbers = [document.queue_number for document in documents]
    assert len(numbers) == len(set(numbers))
    with world.context.database.read() as session:
        kept = session.query(Prediction).filter_by(version_id=made.id).count()
    assert kept >= len(documents)


def test_a_version_is_published_and_published_once(world: World):
    project = world.project(open_tasks=20)
    world.fill(project)
    assert len(world.open_documents(project)) == 20
    ended = world.publish(project, "v1")
    assert (ended.state, ended.reason) == ("done", "")
    assert ended.counts["imported"] == 20
    assert_published(world, project, "v1")

    before = world.context.label_studio.model_versions(project.label_studio_id)
    assert publication.advance(world.context, ended.id) == "done"
    assert world.context.label_studio.model_versions(project.label_studio_id) == before
    with pytest.raises(ConflictError, match="served already"):
        world.publish(project, "v1")


def test_the_next_version_replaces_it_and_work_begun_before_can_be_submitted(world: World):
    project = world.project(open_tasks=12)
    studio = world.context.label_studio
    world.fill(project)
    world.publish(project, "v1")
    opened = studio.task(world.open_documents(project)[0].task_id)
    parent = next(one for one in opened["predictions"] if one["model_version"] == "v1")

    assert world.publish(project, "v2").state == "done"
    assert_published(world, project, "v2")
    old = world.version(project, "v1")
    assert (old.state, old.removed_at) == ("retired", None)
    assert old.deselected_at is not None
    made = studio.submit(opened["id"], parent["result"], parent_prediction=parent["id"])
    assert made["parent_prediction"] == parent["id"]


def test_old_predictions_are_removed_late_and_a_rollback_brings_them_again(world: World):
    project = world.project(open_tasks=10)
    studio, number = world.context.label_studio, project.label_studio_id
    world.fill(project)
    world.publish(project, "v1")
    early, late, after = (document.task_id for document in world.open_documents(project)[:3])
    studio._call("POST", f"api/tasks/{early}/drafts", body={"result": []})
    world.publish(project, "v2")
    studio._call("POST", f"api/tasks/{late}/drafts", body={"result": []})
    assert old_predictions.remove(world.context, project.id) == 0  # within the task lock's life
    assert studio.model_versions(number) == {"v1": 10, "v2": 10}

    impatient = dying(world, after=-1)
    impatient.settings.__dict__["task_lock_ttl"] = 0
    try:
        assert old_predictions.remove(impatient, project.id) == 9
        assert old_predictions.remove(impatient, project.id) == 0
        assert stored(studio, number, "v1").by_task.keys() == {early}  # the draft may be of it
        assert world.version(project, "v1").removed_at is not None

        assert world.publish(project, "v1").state == "done"
        assert_published(world, project, "v1")
        assert world.version(project, "v1").removed_at is None
        assert world.version(project, "v2").state == "retired"

        studio._call("POST", f"api/tasks/{after}/drafts", body={"result": []})
        assert old_predictions.remove(impatient, project.id) == 8
    finally:
        impatient.settings.__dict__["task_lock_ttl"] = 86400
    assert stored(studio, number, "v2").by_task.keys() == {early, late}
    assert studio.model_versions(number) == {"v1": 10, "v2": 2}


def test_a_rollback_keeps_the_order_that_label_studio_holds(world: World):
    project = world.project(open_tasks=10)
    world.fill(project)
    world.publish(project, "v1")
    order = [document.id for document in world.open_documents(project)]
    world.publish(project, "v2")
    ended = world.publish(project, "v1")
    assert ended.counts["imported"] == 0
    assert_published(world, project, "v1")
    assert [document.id for document in world.open_documents(project)] == order


def test_killed_after_any_request_the_next_run_finishes_it(world: World):
    for after in range(1, 40):
        project = world.project(documents=6, open_tasks=5)
        world.fill(project)
        opened = publication.begin(world.context, project.key, "v1", "a test")
        world.predict()
        try:
            publication.advance(dying(world, after), opened.id)
        except Killed:
            finished = world.finish(opened.id)
            assert finished.state == "done", (after, finished.reason)
            assert_published(world, project, "v1")
            continue
        break  # it came to its end before that many requests
    assert 5 < after < 39
    assert_published(world, project, "v1")


def test_killed_before_the_predictions_were_kept_they_are_made_again(world: World):
    project = world.project(documents=6, open_tasks=5)
    world.fill(project)
    opened = publication.begin(world.context, project.key, "v1", "a test")
    jobs = list(world.context.settings.jobs.glob(f"predict-{project.key}-v1-*"))
    assert len(jobs) == 1
    Redis.from_url(world.context.settings.redis_address).flushall()  # the bell is lost
    assert publication.advance(world.context, opened.id) == "predicting"
    assert world.finish(opened.id).state == "done"
    assert not jobs[0].exists()


def test_a_version_that_cannot_be_loaded_leaves_the_old_one(world: World):
    project = world.project(documents=8, open_tasks=6, selection={"random": 1.0})
    world.fill(project)
    world.publish(project, "v1")
    broken = world.context.models.version_folder(project.key, "v3")
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(b"not a model")
    with world.context.database.write() as session:
        version = Version(project_id=project.id, name="v3")
        session.add(version)
        session.flush()
        for document in world.open_documents(project):
            session.add(
                Prediction(
                    document_id=document.id, version_id=version.id, entities=[], confidence=0.5
                )
            )
    ended = world.publish(project, "v3")
    assert ended.state == "failed"
    assert "could not load v3" in ended.reason
    studio, number = world.context.label_studio, project.label_studio_id
    assert studio.project(number)["model_version"] == "v1"
    assert world.context.models.champion(project.key).version == "v1"
    assert world.fresh(project).champion_id == world.version(project, "v1").id
    assert world.version(project, "v3").state == "candidate"


def test_a_version_that_cannot_predict_fails_with_the_reason(world: World):
    project = world.project(documents=4, open_tasks=3)
    world.fill(project)
    world.context.models.version_folder(project.key, "v3").mkdir()
    with world.context.database.write() as session:
        session.add(Version(project_id=project.id, name="v3"))
    ended = world.publish(project, "v3")
    assert ended.state == "failed"
    assert "prediction failed" in ended.reason
    assert world.context.models.champion(project.key) is None


def test_a_project_without_open_tasks_is_published_too(world: World):
    project = world.project(documents=0)
    assert world.publish(project, "v1").state == "done"
    assert world.context.models.champion(project.key).version == "v1"


def test_the_label_stream_serves_the_order_of_the_queue(world: World):
    project = world.project(documents=80, open_tasks=60, attached=True)
    studio, number = world.context.label_studio, project.label_studio_id
    world.fill(project)
    world.publish(project, "v1")
    assert_published(world, project, "v1")
    documents = world.open_documents(project)
    served = []
    for _ in range(10):
        task = studio.next_task(number)
        served.append(task["id"])
        studio.submit(task["id"], [])
    assert served == [document.task_id for document in documents[:10]]
    assert {document.arm for document in documents} == {"ranked", "random"}


def test_a_deleted_task_does_not_stop_a_publication(world: World):
    project = world.project(documents=8, open_tasks=6)
    studio = world.context.label_studio
    world.fill(project)
    gone = world.open_documents(project)[2].task_id
    studio.delete_task(gone)
    assert world.publish(project, "v1").state == "done"
    assert len(world.open_documents(project)) == 5
    assert_published(world, project, "v1")
    with pytest.raises(LabelStudioError):
        studio.submit(gone, [])
    with world.context.database.read() as session:
        assert session.query(Publication).filter_by(project_id=project.id).count() == 1
