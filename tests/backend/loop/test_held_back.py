"""In the real Label Studio: what people rejected is left out, and evidence is linked."""

import pytest
from sqlalchemy import select

from backend.db import pool
from backend.db.tables import AnnotationState, AnnotationStatus, Document, Prediction, Project, now
from backend.loop import working_set
from backend.workflow.correct import Changes
from backend.workflow.evidence import rejections
from backend.workflow.label_studio.connect import connect
from backend.workflow.publish import stored
from ml_backend.contract.entity import Entity
from tests.backend.loop.conftest import World

pytestmark = pytest.mark.real


def say(session, project: Project, document: Document, version_id: int) -> None:
    """Let a version suggest two entities, the first of which a person has removed before."""
    label = project.labels[0]
    said = [{"start": at, "end": at + 2, "label": label, "probability": 0.9} for at in (0, 3)]
    session.merge(
        Prediction(document_id=document.id, version_id=version_id, entities=said, confidence=0.8)
    )
    state = AnnotationState(
        project_id=project.id,
        document_id=document.id,
        annotation_id=document.id,
        updated_at=now(),
        status=AnnotationStatus.SUBMITTED,
    )
    session.add(state)
    session.flush()
    gone = Entity(0, 2, label)
    rejections.keep(session, state, document.text, Changes([], [], [gone], [], []))


def spans(world: World, project: Project, version: str) -> dict[int, list[int]]:
    """Where the regions of each task's prediction begin in Label Studio."""
    there = stored(world.context.label_studio, project.label_studio_id, version).by_task
    return {
        task: [region["value"]["start"] for region in found[0]["result"]]
        for task, found in there.items()
    }


def test_neither_a_publication_nor_a_new_task_makes_a_rejected_suggestion_again(world: World):
    project = world.project(documents=4, open_tasks=1, blind_share=0)
    world.fill(project)
    (shown,) = world.open_documents(project)
    version = world.version(project, "v1")
    with world.context.database.write() as session:
        say(session, project, shown, version.id)
    assert world.publish(project, "v1").state == "done"
    assert spans(world, project, "v1") == {shown.task_id: [3]}
    with world.context.database.read() as session:
        kept = session.get_one(Prediction, (shown.id, version.id))
        assert [one.get("rejected", False) for one in kept.entities] == [True, False]

    with world.context.database.write() as session:
        for document in session.scalars(pool.pool(project.id)).all():
            say(session, project, document, version.id)
        session.get_one(Project, project.id).settings = {
            "open_tasks": 3,
            "selection": {"random": 1},
            "blind_share": 0,
        }
    assert working_set.top_up(world.context, project.id) == 2
    found = spans(world, project, "v1")
    assert len(found) == 3
    assert all(starts == [3] for starts in found.values())


def test_the_labelling_page_and_each_task_lead_to_the_evidence(world: World):
    project = world.project(documents=2, open_tasks=2, attached=True)
    studio, number = world.context.label_studio, project.label_studio_id
    page = f"{world.context.settings.public_url}/projects/{project.key}/evidence"
    there = studio.project(number)
    assert there["show_instruction"]
    assert f'href="{page}"' in there["expert_instruction"]
    assert "How to label" in there["expert_instruction"]
    world.fill(project)
    with world.context.database.read() as session:
        its = select(Document).where(Document.project_id == project.id, Document.task_id > 0)
        for document in session.scalars(its):
            task = studio.task(document.task_id)
            assert task["data"]["goldloop_evidence"] == f"{page}/{document.id}"

    studio.update_project(number, expert_instruction="<p>Label names.</p>", show_instruction=False)
    for _ in range(2):  # said once, whoever connects again
        connect(
            studio,
            world.context.settings,
            key=project.key,
            label_studio_id=number,
            champion=None,
        )
        there = studio.project(number)
        assert there["expert_instruction"].startswith("<p>Label names.</p>")
        assert there["expert_instruction"].count("<a ") == 1
        assert not there["show_instruction"]  # whoever wrote them decides
