"""A doubt goes back to a real Label Studio: its task is open again and leads to the doubt."""

import pytest

from backend.clients.label_studio import LabelStudio
from backend.context import Context, open_context
from backend.db.session import Database
from backend.db.tables import Project, TaskState, now
from backend.db.tables_of_doubts import Doubt
from backend.errors import ConflictError
from backend.loop.doubts_sent import DATA_FIELD, send_back
from backend.settings import Settings
from backend.workflow.doubts_run import open_run
from tests.backend.workflow.loop_data import CONFIG, add_documents, add_gold, add_project
from tests.servers import LabelStudioServer

pytestmark = pytest.mark.real


@pytest.fixture
def context(settings: Settings, database: Database, label_studio: LabelStudioServer) -> Context:
    address = {"label_studio_url": label_studio.url, "label_studio_api_key": label_studio.api_key}
    opened = open_context(Settings.model_validate(settings.model_dump() | address))
    return Context(opened.settings, database, opened.queue)


def doubt_of_a_done_task(context: Context) -> tuple[Project, Doubt, int]:
    studio: LabelStudio = context.label_studio
    number = studio.create_project("doubts", CONFIG)
    (task,) = studio.import_tasks(number, [{"data": {"text": "김서 부산", "goldloop_id": 1}}])
    studio.submit(task, [])
    with context.database.write() as session:
        project = add_project(session)
        project.label_studio_id, project.connected_at = number, now()
        (document,) = add_documents(session, project, ["김서 부산"])
        document.task_id, document.task_state = task, TaskState.DONE
        gold = add_gold(session, document)
        run = open_run(session, project, "me")
        doubt = Doubt(
            project_id=project.id,
            document_id=document.id,
            run_id=run.id,
            rank=1,
            score=1.0,
            kind="label",
            label="PS",
            gold=gold.entities,
            proposal=[{"start": 0, "end": 1, "label": "LC", "probability": 0.9}],
            given=0.1,
            gold_revision=gold.revision,
        )
        session.add(doubt)
    return project, doubt, task


def test_the_task_is_open_again_and_leads_to_the_doubt(context: Context) -> None:
    project, doubt, task = doubt_of_a_done_task(context)
    assert context.label_studio.task(task)["is_labeled"]
    decision = send_back(context, project.id, doubt.id, doubt.gold_revision, "me")
    found = context.label_studio.task(task)
    assert not found["is_labeled"]
    assert found["data"][DATA_FIELD].endswith(f"/projects/p/errors/doubts/{doubt.id}")
    assert (found["data"]["text"], found["data"]["goldloop_id"]) == ("김서 부산", 1)
    assert decision.queue_number is None
    with pytest.raises(ConflictError, match="people look again"):
        send_back(context, project.id, doubt.id, doubt.gold_revision, "me")


def test_a_task_that_is_gone_is_told_and_nothing_decided(context: Context) -> None:
    project, doubt, task = doubt_of_a_done_task(context)
    context.label_studio.delete_task(task)
    with pytest.raises(ConflictError, match="gone from Label Studio"):
        send_back(context, project.id, doubt.id, doubt.gold_revision, "me")
    with context.database.read() as session:
        assert session.get_one(Doubt, doubt.id).verdict == ""
