"""The list of projects: how far each has come and what waits there."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.admin.charts.sparkline import HEIGHT, MARGIN, WIDTH, sparkline
from backend.db.project_cards import project_cards
from backend.db.projects import all_projects
from backend.db.session import Database
from backend.db.tables import Document, InboxEvent, InboxState, Project, Run, RunState, now
from backend.db.tables_of_autolabel import Autolabel
from backend.db.tables_of_surveys import Survey
from backend.settings import Settings
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.filled import add_people, add_project, fill
from tests.backend.admin.queries import MOST, queries_of


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def project_of(session, key: str = "general") -> Project:
    return session.scalars(select(Project).where(Project.key == key)).one()


def test_a_card_tells_state_champion_and_scores(curator: FlaskClient) -> None:
    page = curator.get("/").text
    for shown in ("3,000", "v3", "0.828", "28 of 50", "<polyline", "v1: 0.673"):
        assert shown in page
    assert "goldloop import empty FILE.jsonl" in page
    assert "Waits for a curator" not in page


def test_a_card_tells_what_waits(curator: FlaskClient, filled: Database) -> None:
    with filled.write() as session:
        project = project_of(session)
        version = project.champion_id
        assert version is not None
        found = {"exact-conflict": 2, "near-conflict": 1}
        session.add(Survey(project_id=project.id, mark="", figures={"found": found}, seconds=1))
        session.add(InboxEvent(project_id=project.id, payload={}, state=InboxState.REFUSED))
        for number in session.scalars(select(Document.id).limit(2)):
            session.add(
                Autolabel(
                    document_id=number,
                    project_id=project.id,
                    version_id=version,
                    entities=[],
                    confidence=0.5,
                    changed_by="v3",
                )
            )
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        run.state = RunState.WAITING
    page = curator.get("/").text
    for said in (
        "A challenger waits for a decision",
        "3 groups are labelled differently",
        "2 proposals wait for a person",
        "1 delivery could not be used",
    ):
        assert said in page


def test_many_projects_take_no_more_queries_than_one(
    curator: FlaskClient, filled: Database
) -> None:
    few = queries_of(curator, "/")
    with filled.write() as session:
        for number in range(20):
            add_project(session, f"p{number}")
    assert len(queries_of(curator, "/")) == len(few) <= MOST


def test_cards_are_the_same_on_every_database(any_database: Database, settings: Settings) -> None:
    with any_database.write() as session:
        add_people(session)
        fill(session, add_project(session), settings.jobs / "job", documents=300)
        add_project(session, "empty")
        made, empty = sorted(
            project_cards(session, all_projects(session)),
            key=lambda one: one.project.key,
            reverse=True,
        )
        assert [name for name, _score in made.f1] == ["v1", "v2", "v3", "v4"]
        assert made.champion == "v3"
        assert made.champion_f1 == pytest.approx(0.810, abs=0.001)
        assert (made.documents.total, empty.documents.total) == (300, 0)
        assert made.changed > 0
        assert (empty.f1, empty.champion, empty.changed) == ([], None, 0)
        last = session.scalars(select(Run).order_by(Run.id.desc())).first()
        last.gold_revision, last.state, last.finished_at = 300, RunState.WAITING, now()
        session.flush()
        made = next(
            one
            for one in project_cards(session, all_projects(session))
            if one.project.key == "general"
        )
        assert (made.changed, made.undecided) == (0, True)


def test_a_sparkline_ends_at_the_newest_score_and_blows_nothing_up() -> None:
    assert sparkline([0.5]) is None
    line = sparkline([0.70, 0.80, 0.75])
    assert line is not None
    first, highest, last = line.points.split()
    assert first == f"{MARGIN:.1f},{HEIGHT - MARGIN:.1f}"
    assert highest == f"{WIDTH / 2:.1f},{MARGIN:.1f}"
    assert (line.x, line.y) == (pytest.approx(WIDTH - MARGIN), pytest.approx(HEIGHT / 2))
    assert last == f"{line.x:.1f},{line.y:.1f}"
    flat = sparkline([0.900, 0.905])
    assert flat is not None
    assert flat.y > HEIGHT / 2
