"""Audited documents in a real Label Studio: blind, and blind again after each publication."""

import pytest

from backend.db import autolabels, pool
from backend.db.tables import Gold, Prediction, Project, Version, now
from backend.db.tables_of_autolabel import Autolabel, Promise, PromiseState
from backend.db.versions import locked_project
from backend.loop import audits, working_set
from backend.workflow.autolabels import moves as autolabel_moves
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.store import store
from backend.workflow.publish import stored
from tests.backend.loop.conftest import World

pytestmark = pytest.mark.real
BORDER = "2666"  # of 15 %: hashes that sort before it are the random arm's


def accepted(world: World, project: Project, count: int) -> list[int]:
    """Documents of the pool that the rule accepts, each to be audited."""
    champion = world.version(project, "v1")
    with world.context.database.write() as session:
        row = locked_project(session, project.id)
        waiting = [one for one in session.scalars(pool.pool(project.id)) if one.group_key >= BORDER]
        promise = Promise(
            project_id=project.id,
            version_id=champion.id,
            p=0.9,
            delta=0.05,
            threshold=0.5,
            state=PromiseState.IN_FORCE,
            signed_by="curator@example.com",
        )
        session.add(promise)
        session.flush()
        said = [{"start": 0, "end": 1, "label": row.labels[0], "probability": 0.9}]
        proposals = [Proposal(one.id, said, 0.9) for one in waiting[:count]]
        version = session.get_one(Version, champion.id)
        assert store(session, row, version, promise, proposals, "run 1", now()).accepted == count
    return [proposal.document_id for proposal in proposals]


def test_audited_documents_are_labelled_blind_whatever_is_published(world: World):
    project = world.project(documents=40, open_tasks=10, audit_share=1.0)
    world.fill(project)
    world.publish(project, "v1")
    documents = accepted(world, project, 4)
    assert audits.give_places(world.context, project.id) == 1  # a tenth of the working set
    assert audits.give_places(world.context, project.id) == 0
    world.fill(project)
    studio, number = world.context.label_studio, project.label_studio_id
    with world.context.database.read() as session:
        (audited,) = [
            one for one in pool.documents(session, documents).values() if one.task_id is not None
        ]
    there = stored(studio, number, "v1").by_task
    assert [one["result"] for one in there[audited.task_id]] == [[]]

    newer = world.version(project, "v2")
    with world.context.database.write() as session:  # it has something to say of it, too
        said = session.get_one(Prediction, (audited.id, world.version(project, "v1").id))
        assert said.entities
        session.add(
            Prediction(
                document_id=audited.id,
                version_id=newer.id,
                entities=said.entities,
                confidence=0.9,
            )
        )
    world.publish(project, "v2")
    there = stored(studio, number, "v2").by_task
    assert [one["result"] for one in there[audited.task_id]] == [[]]
    with world.context.database.read() as session:
        assert session.get_one(Gold, audited.id).source == "rule"


def test_what_is_sent_arrives_with_its_sure_entities(world: World):
    project = world.project(documents=30, open_tasks=5)
    world.fill(project)
    world.publish(project, "v1")
    champion = world.version(project, "v1")
    with world.context.database.write() as session:
        row = locked_project(session, project.id)
        waiting = [one for one in session.scalars(pool.pool(project.id)) if one.group_key >= BORDER]
        said = [
            {"start": 0, "end": 1, "label": row.labels[0], "probability": 0.9},
            {"start": 2, "end": 3, "label": row.labels[0], "probability": 0.3},
        ]
        version = session.get_one(Version, champion.id)
        proposals = [Proposal(waiting[0].id, said, 0.2)]
        store(session, row, version, None, proposals, "run 1", now())
        autolabel_moves.send(session, row, [waiting[0].id], "curator@example.com", now())
    working_set.top_up(world.context, project.id)
    with world.context.database.read() as session:
        document = pool.documents(session, [waiting[0].id])[waiting[0].id]
        assert autolabels.history(session, document.id)[-1].state == "sent"
    (shown,) = stored(world.context.label_studio, project.label_studio_id, "v1").by_task[
        document.task_id
    ]
    assert [one["value"]["start"] for one in shown["result"]] == [0]


def test_documents_selected_for_people_leave_the_queue(world: World):
    project = world.project(documents=30, open_tasks=5)
    world.fill(project)
    world.publish(project, "v1")
    champion = world.version(project, "v1")
    with world.context.database.write() as session:
        row = locked_project(session, project.id)
        version = session.get_one(Version, champion.id)
        waiting = list(session.scalars(pool.pool(project.id)))
        proposals = [Proposal(one.id, [], 0.5) for one in waiting]
        store(session, row, version, None, proposals, "run 1", now())
        row.settings = {**row.settings, "open_tasks": 12}
    world.fill(project)
    opened = {one.id for one in world.open_documents(project)}
    with world.context.database.read() as session:
        states = {
            one.document_id: one.state
            for one in session.query(Autolabel).filter_by(project_id=project.id)
        }
    assert {number for number, state in states.items() if state == "sent"} == opened & set(states)
    assert len(opened & set(states)) == 7
