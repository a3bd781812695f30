"""Shared and blind documents in the real Label Studio."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, expect

from backend.clients.label_studio import LabelStudio
from backend.db import sharing
from backend.db.leases import lease
from backend.db.tables import Prediction, Project
from backend.embedded.label_studio import personal_access_token
from backend.loop import working_set
from backend.loop.sharing import ask_for_several, draw_made
from backend.loop.tasks import tasks_lease
from backend.workflow.label_studio.tasks import document_of_task
from backend.workflow.publish import stored
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.loop.conftest import CONFIG, Killed, World, dying
from tests.servers import LabelStudioServer

pytestmark = pytest.mark.real
PASSWORD = "tests-only-password"


@pytest.fixture(scope="module")
def second(world: World, tmp_path_factory: pytest.TempPathFactory) -> LabelStudio:
    """A second annotator, who was invited by a link."""
    studio = world.context.label_studio
    link = str(studio._call("GET", "api/invite")["invite_url"])
    with httpx.Client(base_url=studio.url, timeout=30.0, follow_redirects=True) as client:
        page = client.get(link)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        form = {
            "csrfmiddlewaretoken": token[1],
            "email": "second@example.com",
            "password": PASSWORD,
        }
        client.post(str(page.url), data=form, headers={"Referer": str(page.url)})
    kept = tmp_path_factory.mktemp("second") / "token"
    return LabelStudio(
        studio.url,
        personal_access_token(studio.url, "second@example.com", PASSWORD, kept),
        timeout=30.0,
    )


def test_a_shared_task_is_handed_to_so_many_people_and_no_more(world: World, second: LabelStudio):
    project = world.project(
        documents=12, open_tasks=6, attached=True, shared_share=1.0, blind_share=0.0
    )
    world.fill(project)
    world.publish(project, "v1")
    studio, number = world.context.label_studio, project.label_studio_id
    tasks = [document.task_id for document in world.open_documents(project)]
    assert {studio.task(task)["overlap"] for task in tasks} == {2}
    for annotator in (studio, second):
        served = []
        while (task := annotator.next_task(number)) is not None:
            served.append(task["id"])
            annotator.submit(task["id"], [])
        assert served == tasks  # both in the order of the queue
    assert all(studio.task(task)["is_labeled"] for task in tasks)


def test_killed_after_any_request_the_next_run_tells_of_all(world: World):
    project = world.project(documents=4, open_tasks=4, shared_share=1.0)
    world.fill(project)
    with world.context.database.write() as session:
        ids = [document.id for document in world.open_documents(project)]
        for row in sharing.drawn(session, ids).values():
            row.told_task_id = None
    with lease(world.context.database, tasks_lease(project.id)) as held:
        with pytest.raises(Killed):
            ask_for_several(dying(world, 2), held, project.id)
        assert ask_for_several(world.context, held, project.id) == 4
        assert ask_for_several(world.context, held, project.id) == 0


def test_the_blind_slice_is_shown_without_pre_labels_of_any_version(
    world: World, label_studio: LabelStudioServer, chromium: Browser
):
    project = world.project(
        documents=40,
        open_tasks=30,
        attached=True,
        blind_share=0.5,
        selection={"random": 1.0},
    )
    world.fill(project)
    first = {"start": 0, "end": 1, "label": parse_label_config(CONFIG).labels.labels[0]}
    with world.context.database.write() as session:  # what they would say is nothing
        session.add_all(
            Prediction(
                document_id=document.id,
                version_id=world.version(project, version).id,
                entities=[first],
                confidence=0.5,
            )
            for document in world.open_documents(project)
            for version in ("v1", "v2")
        )
    for version in ("v1", "v2"):
        world.publish(project, version)
        blind = _assert_blind(world, project, version)
    documents = world.open_documents(project)
    page = chromium.new_page()
    page.goto(f"{label_studio.url}/user/login/")
    page.fill("input[name=email]", label_studio.email)
    page.fill("input[name=password]", label_studio.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    for is_blind in (False, True):
        one = next(one for one in documents if (one.id in blind) == is_blind)
        address = f"{label_studio.url}/projects/{project.label_studio_id}"
        page.goto(f"{address}/data?task={one.task_id}")
        page.get_by_label("Submit current annotation").wait_for()
        expect(page.locator(".htx-highlight")).to_have_count(0 if is_blind else 1)
    page.close()
    _assert_blind(world, project, "v2")  # opening a task has added nothing


def test_tasks_made_in_label_studio_are_drawn_before_they_get_pre_labels(world: World):
    project = world.project(documents=4, open_tasks=2, shared_share=0.5, blind_share=0.5)
    studio, number = world.context.label_studio, project.label_studio_id
    world.fill(project)
    world.publish(project, "v1")
    tasks = [{"data": {"text": f"홍길동은 {n}월에 서울에 갔다."}} for n in range(24)]
    made = studio.import_tasks(number, tasks)
    for task in made[:3]:
        studio.submit(task, [])
    told = {"result": [], "score": 0.5, "model_version": "v1"}
    studio.import_predictions(number, [{"task": task, **told} for task in made[3:6]])
    control = parse_label_config(project.label_config)
    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        documents = {
            task: document_of_task(session, fresh, studio.task(task), control).document
            for task in made
        }
        first = {"start": 0, "end": 3, "label": control.labels.labels[0]}
        version = world.version(project, "v1").id
        session.add_all(
            Prediction(document_id=one.id, version_id=version, entities=[first], confidence=0.5)
            for one in documents.values()
        )
    with pytest.raises(Killed):
        draw_made(dying(world, 5), project.id)
    assert draw_made(world.context, project.id) > 10
    assert draw_made(world.context, project.id) == 0
    with world.context.database.read() as session:
        rows = sharing.drawn(session, [one.id for one in documents.values()])
    kinds = {task: rows.get(document.id) for task, document in documents.items()}
    assert all(
        row is None or (row.annotators, row.blind) == (1, False) for row in map(kinds.get, made[:6])
    )
    blind = {task for task, row in kinds.items() if row is not None and row.blind}
    shared = {task for task, row in kinds.items() if row is not None and row.annotators == 2}
    assert len(blind) > 3 < len(shared)

    assert working_set.preannotate(world.context, project.id) == 24
    working_set.top_up(world.context, project.id)
    there = stored(studio, number, "v1").by_task
    assert {task for task in made[6:] if not there[task][0]["result"]} == blind
    assert {task for task in made if studio.task(task)["overlap"] == 2} == shared


def _assert_blind(world: World, project: Project, version: str) -> set[int]:
    """Every task has one prediction of the version, an empty one where it is blind: which are."""
    documents = world.open_documents(project)
    with world.context.database.read() as session:
        blind = sharing.blind_slice(session, [document.id for document in documents])
    assert 5 < len(blind) < 25
    studio = world.context.label_studio
    there = stored(studio, project.label_studio_id, version).by_task
    for document in documents:
        (prediction,) = there[document.task_id]
        assert bool(prediction["result"]) == (document.id not in blind)
    return blind
