"""A project's strategies as annotators meet them: the label stream, batches, and their tabs."""

import numpy as np
import pytest

from backend.db.batches import batches_of, newest_batches
from backend.db.scores import scored_documents
from backend.db.tables import Arm, Document, Project, TaskState
from backend.loop import batch_tabs, working_set
from backend.workflow.selection.candidates import Candidates, Ranking, of_documents
from backend.workflow.selection.vectors import GRADIENTS, VECTORS, gather
from tests.backend.loop.conftest import World

pytestmark = pytest.mark.real


def stream(world: World, project: Project, count: int) -> list[int]:
    """What the real label stream hands out, task by task, each answered before the next."""
    studio = world.context.label_studio
    number = project.label_studio_id
    assert number is not None
    served = []
    for _ in range(count):
        task = studio.next_task(number)
        assert task is not None
        served.append(int(task["id"]))
        studio.submit(int(task["id"]), [], lead_time=4.0)
    return served


def out_of_the_way(world: World, project: Project, but: int = 0) -> None:
    """Open tasks out of the way, here and in Label Studio, which gives their numbers anew; all
    but the first few."""
    for document in world.open_documents(project)[but:]:
        assert document.task_id is not None
        world.context.label_studio.delete_task(document.task_id)
        with world.context.database.write() as session:
            gone = session.get_one(Document, document.id)
            gone.task_id, gone.task_state = None, TaskState.DELETED


def shown(world: World, tab: int | None) -> list[int]:
    """The tasks that a tab of the real Data Manager shows, in its order."""
    answer = world.context.label_studio._call("GET", "api/tasks/", params={"view": tab})
    return [int(task["id"]) for task in answer["tasks"]]


def test_the_label_stream_serves_the_next_twenty_tasks_in_the_order_of_the_mixture(world: World):
    project = world.project(
        documents=60,
        open_tasks=24,
        random_share=0.2,
        selection={"margin": 2.0, "cost": 1.0, "k_means": 1.0},
    )
    world.fill(project)  # before a first version: by hash
    world.publish(project, "v1")
    out_of_the_way(world, project)
    assert working_set.top_up(world.context, project.id) == 0
    world.predict()
    assert working_set.top_up(world.context, project.id) == 24

    documents = world.open_documents(project)
    assert stream(world, project, 20) == [document.task_id for document in documents[:20]]

    version = world.version(project, "v1")
    folder = world.context.models.vectors_folder(project.key, "v1")
    with world.context.database.read() as session:
        ids = [one.id for one in documents if one.arm == Arm.RANKED]
        scored = scored_documents(session, ids, version.id, ("arrays", "row"))
        batch = newest_batches(session, project.id, 5)[0]
        came_with = batches_of(session, [document.id for document in documents])
    assert [one.arm for one in documents].count(Arm.RANDOM) == batch.batch.at_random > 0
    assert batch.version == "v1"
    assert batch.batch.mixture == {"margin": 2.0, "cost": 1.0, "k_means": 1.0}
    assert set(came_with.values()) == {batch.batch.id}
    assert len(scored["id"]) == len(ids)
    for kind in (VECTORS, GRADIENTS):
        vectors = gather(folder, kind, scored["arrays"], scored["row"])
        assert vectors is not None
        assert np.isfinite(vectors).all()
        assert len(np.unique(vectors, axis=0)) == len(ids)


def test_others_write_while_strategies_choose_and_changed_settings_choose_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    project = world.project(documents=30, open_tasks=8, random_share=0.0)
    world.fill(project)
    world.publish(project, "v1")
    out_of_the_way(world, project)
    working_set.top_up(world.context, project.id)
    world.predict()
    in_order = Candidates.in_order

    def with_a_curator(its: Candidates, limit: int | None = None) -> list[int]:
        monkeypatch.setattr(Candidates, "in_order", in_order)
        with world.context.database.write() as session:
            row = session.get_one(Project, project.id)
            row.settings = {**row.settings, "selection": {"margin": 1.0}}
        return in_order(its, limit)

    monkeypatch.setattr(Candidates, "in_order", with_a_curator)
    assert working_set.top_up(world.context, project.id) == 0
    assert working_set.top_up(world.context, project.id) == 8
    with world.context.database.read() as session:
        assert newest_batches(session, project.id, 1)[0].batch.mixture == {"margin": 1.0}


def test_each_batch_has_a_tab_with_its_tasks_in_their_order_and_answered_ones_go(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batch_tabs, "NEWEST", 2)
    project = world.project(documents=40, open_tasks=8)
    studio, number = world.context.label_studio, project.label_studio_id
    assert working_set.top_up(world.context, project.id) == 8
    out_of_the_way(world, project, but=1)
    assert working_set.top_up(world.context, project.id) == 7
    for _ in range(2):
        out_of_the_way(world, project, but=1)
        assert working_set.top_up(world.context, project.id) == 7
    with world.context.database.read() as session:
        found = newest_batches(session, project.id, 5)
    tabs = studio.tabs.titles(number)
    assert [batch.batch.tab_id in tabs for batch in found] == [True, True, False, True]
    its_own = {f"Batch {found[place].batch.id}" for place in (0, 1, 3)}
    assert {title for title in tabs.values() if title.startswith("Batch")} == its_own
    out_of_the_way(world, project)
    assert working_set.top_up(world.context, project.id) == 8
    with world.context.database.read() as session:
        found = newest_batches(session, project.id, 5)
    tabs = studio.tabs.titles(number)
    assert [batch.batch.tab_id in tabs for batch in found] == [True, True, False, False, False]
    newest = [document.task_id for document in world.open_documents(project)]
    assert shown(world, found[0].batch.tab_id) == newest
    out_of_the_way(world, project)
    assert shown(world, found[0].batch.tab_id) == []
    assert batch_tabs.show_batches(world.context, world.fresh(project)) == 0


def test_a_new_champion_ranks_the_open_tasks_by_the_same_strategies(world: World):
    project = world.project(documents=30, open_tasks=20, random_share=0.0)
    world.fill(project)
    world.publish(project, "v1")
    with world.context.database.write() as session:
        row = session.get_one(Project, project.id)
        row.settings = {**row.settings, "selection": {"max_entropy": 1.0}}
    world.publish(project, "v2")
    version = world.version(project, "v2")
    documents: list[Document] = world.open_documents(project)
    with world.context.database.read() as session:
        ranking = Ranking(version.id, {"max_entropy": 1.0})
        order = of_documents(session, project, ranking, [one.id for one in documents]).in_order()
        scored = scored_documents(session, order, version.id, ["max_entropy"])
    entropies = dict(zip(scored["id"], scored["max_entropy"], strict=True))
    seen = [entropies[document.id] for document in documents]
    assert seen == sorted(seen, reverse=True)
    assert stream(world, project, 5) == [document.task_id for document in documents[:5]]
