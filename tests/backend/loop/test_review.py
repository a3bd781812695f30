"""What is sent back goes to a real Label Studio: its task is open again and leads to our page; a
decision that could not open it is finished by the next tick."""

from dataclasses import replace

import pytest

from backend.clients.label_studio import LabelStudio
from backend.context import Context, open_context
from backend.db.session import Database
from backend.db.tables import Document, Project, TaskState, now
from backend.db.tables_of_doubts import Doubt
from backend.db.tables_of_errors import DifferingDocument
from backend.db.tables_of_review import Verdict
from backend.errors import ConflictError
from backend.loop import review
from backend.settings import Settings
from backend.workflow.doubts.run import open_run
from backend.workflow.review.kinds import DOUBTS, ERRORS, Decision, ReviewKind
from tests.backend.workflow.loop_data import (
    CONFIG,
    add_documents,
    add_gold,
    add_project,
    add_version,
)
from tests.servers import LabelStudioServer

pytestmark = pytest.mark.real


@pytest.fixture
def context(settings: Settings, database: Database, label_studio: LabelStudioServer) -> Context:
    address = {"label_studio_url": label_studio.url, "label_studio_api_key": label_studio.api_key}
    opened = open_context(Settings.model_validate(settings.model_dump() | address))
    return Context(opened.settings, database, opened.queue)


@pytest.fixture
def asked(context: Context) -> tuple[Project, Document, int]:
    """A document whose task is done; under 1 a doubt is asked, and under its number an error."""
    studio: LabelStudio = context.label_studio
    number = studio.create_project("review", CONFIG)
    (task,) = studio.import_tasks(number, [{"data": {"text": "김서 부산", "goldloop_id": 1}}])
    studio.submit(task, [])
    with context.database.write() as session:
        project = add_project(session)
        project.label_studio_id, project.connected_at = number, now()
        (document,) = add_documents(session, project, ["김서 부산"])
        document.task_id, document.task_state = task, TaskState.DONE
        gold = add_gold(session, document)
        its = {
            "project_id": project.id,
            "document_id": document.id,
            "gold_revision": gold.revision,
        }
        doubt = Doubt(
            **its,
            run_id=open_run(session, project, "me").id,
            rank=1,
            score=1.0,
            kind="label",
            label="PS",
            gold=gold.entities,
            proposal=[{"start": 0, "end": 1, "label": "LC", "probability": 0.9}],
            given=0.1,
        )
        version = add_version(session, project)
        error = DifferingDocument(**its, version_id=version.id, confidence=0.9, entities=[])
        session.add_all([doubt, error])
    assert doubt.id == 1
    return project, document, gold.revision


def send_back(
    context: Context, asked: tuple[Project, Document, int], kind: ReviewKind = DOUBTS
) -> Decision:
    project, document, revision = asked
    number = 1 if kind is DOUBTS else document.id
    return review.decide(context, project.id, kind, number, revision, Verdict.SENT, "me")


@pytest.mark.parametrize(
    ("kind", "page"), [(DOUBTS, "doubts/1"), (ERRORS, "{}")], ids=["doubt", "error"]
)
def test_the_task_is_open_again_and_leads_to_the_page(
    context: Context, asked: tuple[Project, Document, int], kind: ReviewKind, page: str
) -> None:
    _project, document, _revision = asked
    assert document.task_id is not None
    decision = send_back(context, asked, kind)
    found = context.label_studio.task(document.task_id)
    assert found is not None
    assert not found["is_labeled"]
    address = found["data"][review.DATA_FIELD]
    assert address.endswith(f"/projects/p/errors/{page.format(document.id)}")
    assert (found["data"]["text"], found["data"]["goldloop_id"]) == ("김서 부산", 1)
    assert (decision.to_reopen, decision.queue_number) == (False, None)
    with pytest.raises(ConflictError, match="people look again"):
        send_back(context, asked, kind)


def test_a_task_that_is_gone_is_told_and_the_decision_taken_back(
    context: Context, asked: tuple[Project, Document, int]
) -> None:
    _project, document, _revision = asked
    assert document.task_id is not None
    context.label_studio.delete_task(document.task_id)
    with pytest.raises(ConflictError, match="gone from Label Studio"):
        send_back(context, asked)
    with context.database.read() as session:
        assert session.get_one(Doubt, 1).verdict == ""


def test_what_label_studio_did_not_hear_the_next_tick_says_again(
    context: Context, asked: tuple[Project, Document, int]
) -> None:
    _project, document, _revision = asked
    assert document.task_id is not None
    nowhere = context.settings.model_copy(update={"label_studio_url": "http://127.0.0.1:9"})
    assert send_back(replace(context, settings=nowhere), asked).to_reopen
    found = context.label_studio.task(document.task_id)
    assert found is not None
    assert found["is_labeled"]
    for _twice in range(2):
        review.reopen_left(context)
    found = context.label_studio.task(document.task_id)
    assert found is not None
    assert (found["is_labeled"], found["overlap"]) == (False, 2)
