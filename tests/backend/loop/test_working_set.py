"""The tasks in Label Studio: topped up, predicted, and never twice."""

import pytest

from backend.db import pool
from backend.db.leases import lease
from backend.db.scores import scored_documents
from backend.db.tables import Document, Project, TaskState
from backend.loop import old_predictions, working_set
from backend.workflow.label_studio.tasks import document_of_task
from backend.workflow.publish import stored
from backend.workflow.select import place
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.loop.conftest import Killed, World, dying

pytestmark = pytest.mark.real


def tasks_of(world: World, project: Project) -> dict[int, dict]:
    return {task["id"]: task for task in world.context.label_studio.tasks(project.label_studio_id)}


def assert_one_task_each(world: World, project: Project) -> None:
    tasks = tasks_of(world, project)
    named = [task["data"]["goldloop_id"] for task in tasks.values()]
    assert len(named) == len(set(named))
    documents = world.open_documents(project)
    assert {document.task_id for document in documents} == tasks.keys()
    assert all(tasks[one.task_id]["data"]["text"] == one.text for one in documents)


def test_before_a_first_version_the_set_is_filled_without_predictions(world: World):
    project = world.project(documents=30, open_tasks=20)
    assert working_set.top_up(world.context, project.id) == 20
    assert working_set.top_up(world.context, project.id) == 0
    assert_one_task_each(world, project)
    assert world.context.label_studio.model_versions(project.label_studio_id) == {}


def test_later_the_least_sure_follow_with_their_place_as_score(world: World):
    project = world.project(documents=40, open_tasks=20)
    world.fill(project)
    world.publish(project, "v1")
    with world.context.database.write() as session:
        for document in pool.open_documents(session, project.id)[:5]:
            document.task_state = TaskState.DONE
    last = world.fresh(project).last_queue_number
    assert working_set.top_up(world.context, project.id) == 0  # first they are predicted
    world.predict()
    assert working_set.top_up(world.context, project.id) == 5

    documents = world.open_documents(project)
    there = stored(world.context.label_studio, project.label_studio_id, "v1").by_task
    assert len(documents) == 20
    for document in documents:
        assert len(there[document.task_id]) == 1
        assert there[document.task_id][0]["score"] == pytest.approx(place(document.queue_number))
    added = [document for document in documents if document.queue_number > last]
    assert len(added) == 5
    champion = world.version(project, "v1")
    with world.context.database.read() as session:
        rest = session.scalars(pool.pool(project.id)).all()
        ids = [document.id for document in (*added, *rest)]
        found = scored_documents(session, ids, champion.id, ("log_probability", "characters"))
    columns = (found[name] for name in ("id", "log_probability", "characters"))
    sure = {number: logarithm / size for number, logarithm, size in zip(*columns, strict=True)}
    ranked = [sure[document.id] for document in added if document.arm == "ranked"]
    assert ranked == sorted(ranked)
    in_reach = [sure[one.id] for one in rest if one.group_key >= "26666666"]
    assert in_reach
    assert ranked[-1] <= min(in_reach)


def test_killed_after_any_request_no_task_is_made_twice(world: World):
    for after in range(1, 20):
        project = world.project(documents=8, open_tasks=6)
        try:
            working_set.top_up(dying(world, after), project.id)
        except Killed:
            working_set.top_up(world.context, project.id)
            assert len(world.open_documents(project)) == 6
            assert_one_task_each(world, project)
            continue
        break
    assert after > 1


def test_killed_after_any_request_with_a_champion_every_task_has_one_prediction(world: World):
    for after in range(1, 20):
        project = world.project(documents=10, open_tasks=4)
        world.fill(project)
        world.publish(project, "v1")
        with world.context.database.write() as session:
            fresh = session.get_one(Project, project.id)
            fresh.settings = {**fresh.settings, "open_tasks": 8}
        working_set.top_up(world.context, project.id)
        world.predict()
        try:
            working_set.top_up(dying(world, after), project.id)
        except Killed:
            world.fill(project)
            assert_one_task_each(world, project)
            documents = world.open_documents(project)
            assert len(documents) == 8
            there = stored(world.context.label_studio, project.label_studio_id, "v1").by_task
            assert [len(there[one.task_id]) for one in documents] == [1] * 8
            continue
        break
    assert after > 2


def test_tasks_made_in_label_studio_are_predicted_at_the_end_of_the_queue(world: World):
    project = world.project(documents=6, open_tasks=5)
    studio, number = world.context.label_studio, project.label_studio_id
    world.fill(project)
    world.publish(project, "v1")
    last = world.fresh(project).last_queue_number
    made = studio.import_tasks(
        number, [{"data": {"text": f"홍길동은 {n}월에 서울에 갔다."}} for n in (3, 4)]
    )
    control = parse_label_config(project.label_config)
    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        for task in made:
            document_of_task(session, fresh, studio.task(task), control)
    assert working_set.preannotate(world.context, project.id) == 0
    world.predict()
    assert working_set.preannotate(world.context, project.id) == 2
    assert working_set.preannotate(world.context, project.id) == 0
    there = stored(studio, number, "v1").by_task
    assert [len(there[task]) for task in made] == [1, 1]
    assert sorted(there[task][0]["score"] for task in made) == pytest.approx(
        [place(last + 1), place(last + 2)]
    )
    assert world.fresh(project).last_queue_number == last + 2


def test_two_at_once_do_not_both_import(world: World):
    project = world.project(documents=8, open_tasks=6)
    with lease(world.context.database, f"tasks-{project.id}") as held:
        assert held is not None
        assert working_set.top_up(world.context, project.id) == 0
    assert held.wanted
    assert working_set.top_up(world.context, project.id) == 6


def test_lazy_second_predictions_are_removed_once_nobody_can_refer_to_them(world: World):
    project = world.project(documents=6, open_tasks=5)
    studio, number = world.context.label_studio, project.label_studio_id
    world.fill(project)
    world.publish(project, "v1")
    task = world.open_documents(project)[0].task_id
    first = stored(studio, number, "v1").by_task[task][0]["id"]
    studio.import_predictions(
        number, [{"task": task, "result": [], "score": 0.5, "model_version": "v1"}]
    )
    assert old_predictions.remove(world.context, project.id) == 0
    impatient = dying(world, after=-1)
    impatient.settings.__dict__["task_lock_ttl"] = 0
    try:
        assert old_predictions.remove(impatient, project.id) == 1
    finally:
        impatient.settings.__dict__["task_lock_ttl"] = 86400
    assert [one["id"] for one in stored(studio, number, "v1").by_task[task]] == [first]
    with world.context.database.read() as session:
        assert session.query(Document).filter_by(project_id=project.id).count() == 6
