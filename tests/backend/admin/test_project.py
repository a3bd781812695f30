"""The page of a project and what a curator does there, with Redis down: nothing is lost."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.admin.charts.document_bar import document_bar
from backend.db.document_counts import DocumentCounts
from backend.db.overview import LATEST
from backend.db.session import Database
from backend.db.tables import (
    Project,
    Publication,
    PublicationState,
    Run,
    RunState,
    Version,
)
from backend.opened import opened_by
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.filled import add_project
from tests.backend.admin.filled_queue import add_queue
from tests.backend.admin.queries import assert_few_queries


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def act(client: FlaskClient, action: str, **form: object) -> str:
    """Send a form of the project's page; returns the sentence that comes back."""
    token = token_in(client.get("/projects/general").text)
    answer = client.post(f"/projects/general/{action}", data={"csrf_token": token, **form})
    assert answer.status_code == 303, answer.text
    page = client.get(answer.location).text
    return page.split('class="notice ')[1].split("</li>")[0]


def test_the_page_shows_state_figures_and_the_running_job(curator: FlaskClient) -> None:
    page = curator.get("/projects/general").text
    for shown in ("Gold by people", "v3", "dev F1", "0.831", "1 min 14 s", "refused"):
        assert shown in page
    assert "Redis does not answer" in page
    assert "ML backend does not answer" in page


def test_the_last_reconciliation_is_told_folded(curator: FlaskClient) -> None:
    page = curator.get("/projects/general").text
    details = page.split("<details")[1].split("</details>")[0]
    assert "open" not in details.split(">")[0]
    for told in (
        "3 mended",
        "Annotations missed: 2",
        "351, 360",
        "Noted, foreign hooks",
        "https://hooks.example.com/",
    ):
        assert told in details
    assert re.search("(just now|ago); compared 1,204 tasks, 361 annotations", details)
    assert "<details" not in curator.get("/projects/empty").text


def test_the_empty_project_says_what_to_do(curator: FlaskClient) -> None:
    page = curator.get("/projects/empty").text
    assert "goldloop import empty FILE.jsonl" in page
    for nothing_yet in ("Last gate decision", "Versions", "Training runs"):
        assert nothing_yet not in page


def test_an_annotator_sees_the_page_without_its_buttons(sign_in: SignIn) -> None:
    page = sign_in("annotator").get("/projects/general").text
    assert "Champion" in page
    for action in ("retrain", "cancel", "rollback", "settings", "gold.jsonl"):
        assert f"/projects/general/{action}" not in page


def test_the_live_part_is_the_same_while_nothing_happens(curator: FlaskClient) -> None:
    first, second = (curator.get("/projects/general/live").text for _ in range(2))
    assert first == second
    assert "csrf_token" not in first


def test_every_state_of_documents_has_a_colour_of_its_own() -> None:
    style = Path("backend/admin/static/goldloop.css").read_text("utf-8")
    colours = dict(re.findall(r"\.seg\.(\w+) \{ fill: var\((--\w+)\); \}", style))
    one_of_each = DocumentCounts(**{each.name: 1 for each in fields(DocumentCounts)})
    states = [segment.state for segment in document_bar(one_of_each)]
    assert sorted(states) == sorted(colours)
    assert len(set(colours.values())) == len(colours)
    assert all(style.count(f"{name}: ") == 2 for name in colours.values()), "light and dark"


def test_the_page_takes_few_queries(curator: FlaskClient, filled: Database) -> None:
    assert_few_queries(curator, "/projects/general")
    with filled.write() as session:
        add_queue(session, add_project(session, "queue", "Queue"))
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        for number in range(LATEST):  # newer than the champion, its run, and the judged one
            session.add(Version(project_id=project.id, name=f"newer-{number}"))
            session.add(Run(project_id=project.id, state=RunState.FAILED, asked_by="x"))
        assert project.champion_id is not None
    assert "F1" in curator.get("/projects/general").text
    assert_few_queries(curator, "/projects/general", "/projects/general/live", "/projects/queue")


def test_retrain_begins_a_run_though_the_bell_is_lost(
    curator: FlaskClient, filled: Database
) -> None:
    assert "remembered" not in act(curator, "retrain")
    with filled.read() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        assert project.training_wanted == "curator@example.com"  # one trains already
    with filled.write() as session:
        session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one().state = "failed"
    said = act(curator, "retrain")
    assert "Redis does not answer" in said
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.QUEUED)).one()
        assert run.asked_by == "curator@example.com"


def test_retrain_without_gold_says_what_is_missing(curator: FlaskClient) -> None:
    token = token_in(curator.get("/projects/empty").text)
    curator.post("/projects/empty/retrain", data={"csrf_token": token})
    assert "training needs 10 gold documents" in curator.get("/projects/empty").text.lower()


def test_cancel_raises_the_flag_in_the_jobs_folder(curator: FlaskClient, filled: Database) -> None:
    assert "asked to stop" in act(curator, "cancel")
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    assert (Path(run.folder) / "cancel").exists()
    assert "stopping" in curator.get("/projects/general").text


def test_rollback_publishes_an_earlier_version_and_nothing_else(
    curator: FlaskClient, filled: Database
) -> None:
    assert "model store" in act(curator, "rollback", version="v2")  # its weights are gone
    context = opened_by(curator.application)
    for name in ("v1", "v2"):
        context.models.version_folder("general", name).mkdir(parents=True)
    assert "was not served before" in act(curator, "rollback", version="v4")
    assert "no version" in act(curator, "rollback", version="v9")
    assert "Going back to v2" in act(curator, "rollback", version="v2")
    assert "under way" in act(curator, "rollback", version="v1")
    with filled.read() as session:
        opened = session.scalars(
            select(Publication).where(Publication.state == PublicationState.PREDICTING)
        ).one()
        assert session.get_one(Version, opened.version_id).name == "v2"


@pytest.mark.parametrize(
    ("verdict", "run_state", "publications"),
    [("promote", RunState.PROMOTED, 1), ("refuse", RunState.REFUSED, 0)],
)
def test_a_waiting_run_is_decided_once(
    curator: FlaskClient,
    filled: Database,
    verdict: str,
    run_state: RunState,
    publications: int,
) -> None:
    with filled.write() as session:
        training = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        session.delete(training)
        run = session.scalars(
            select(Run).order_by(Run.id.desc()).where(Run.id != training.id)
        ).first()
        assert run is not None
        run.state, number = RunState.WAITING, run.id
    page = curator.get("/projects/general").text
    assert "Decide about the challenger" in page
    assert "Promote it anyway" in page
    act(curator, "decide", verdict=f"{verdict}:{number}")
    assert "no decision" in act(curator, "decide", verdict=f"{verdict}:{number}")
    with filled.read() as session:
        run = session.get_one(Run, number)
        assert run.state == run_state
        assert "curator@example.com" in run.reason
        opened = session.scalars(select(Publication).where(Publication.state == "predicting")).all()
        assert len(opened) == publications


def test_the_gold_downloads_as_verified_lines(curator: FlaskClient, filled: Database) -> None:
    answer = curator.get("/projects/general/gold.jsonl")
    assert "general-gold.jsonl" in answer.headers["Content-Disposition"]
    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert len(lines) > 50
    for line in lines:
        for entity in line["entities"]:
            assert line["text"][entity["start"] : entity["end"]] == entity["text"]


def test_a_page_that_is_not_there_says_so_in_a_page(curator: FlaskClient) -> None:
    for address in ("/projects/none", "/nowhere"):
        answer = curator.get(address)
        assert answer.status_code == 404
        assert "<main" in answer.text
