"""The data path as the project's page: ten stages, live counts, and what needs somebody."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Project, Run, RunState, now
from backend.db.tables_of_surveys import Survey
from tests.backend.admin.conftest import SignIn, token_in


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def stages(client: FlaskClient, key: str = "general") -> dict[str, str]:
    """The text of each stage, by its name."""
    page = client.get(f"/projects/{key}/live").text
    found = re.findall(r'data-stage="(\w+)">(.*?)(?=data-stage=|</ol>)', page, re.DOTALL)
    return {name: " ".join(re.sub("<[^>]+>", " ", html).split()) for name, html in found}


def test_ten_stages_show_their_counts_in_order(curator: FlaskClient) -> None:
    shown = stages(curator)
    assert list(shown) == [
        "import",
        "dedupe",
        "select",
        "preannotate",
        "correct",
        "retrain",
        "gate",
        "publish",
        "autolabel",
        "release",
    ]
    assert "3,000" in shown["import"]
    assert "v3" in shown["publish"]
    assert "under way" in shown["retrain"]
    assert "refused" in shown["gate"]


def test_the_empty_project_has_its_stages_too(curator: FlaskClient) -> None:
    shown = stages(curator, "empty")
    assert len(shown) == 10
    assert "no champion yet" in shown["publish"]
    assert "nothing judged yet" in shown["gate"]


def test_what_needs_somebody_stands_in_its_stage(curator: FlaskClient, filled: Database) -> None:
    with filled.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        project.last_event_at = now() - timedelta(hours=3)
        project.settings = {**project.settings, "min_support": 5}
        found = {"exact-conflict": 12}
        session.add(Survey(project_id=project.id, mark="", figures={"found": found}, seconds=1))
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        run.state, run.reason = RunState.FAILED, "the disk is full"
    shown = stages(curator)
    assert "12 groups are labelled differently" in shown["dedupe"]
    assert "silent for 3 h 00 min" in shown["correct"]
    assert "Reconcile now" in shown["correct"]
    assert "labels are under the minimum of 5" in shown["retrain"]
    assert "The last training run failed: the disk is full" in shown["retrain"]


def test_a_hook_that_never_delivered_is_told(curator: FlaskClient, filled: Database) -> None:
    with filled.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        project.last_event_at, project.connected_at = None, now() - timedelta(hours=1)
    assert "has ever been delivered" not in stages(curator)["correct"]
    with filled.write() as session:
        session.get_one(Project, project.id).connected_at = now() - timedelta(hours=3)
    assert "has ever been delivered" in stages(curator)["correct"]


def test_an_annotator_is_told_what_to_do_and_spared_the_machinery(
    sign_in: SignIn, filled: Database
) -> None:
    with filled.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        project.last_event_at = now() - timedelta(days=3)
    page = sign_in("annotator").get("/projects/general").text
    assert "Correct pre-labels in Label Studio" in page
    assert "silent for 3 days" not in page
    for part in ("attention", "path", "services", "gate"):
        assert f'data-testid="{part}"' not in page


def test_reconciling_is_asked_for_though_the_bell_is_lost(curator: FlaskClient) -> None:
    token = token_in(curator.get("/projects/general").text)
    answer = curator.post("/projects/general/reconcile", data={"csrf_token": token})
    assert answer.status_code == 303
    assert "is compared with Label Studio" in curator.get("/projects/general").text
