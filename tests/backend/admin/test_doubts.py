"""The pages of doubts: listed, looked at one by one, decided with evidence, undone, sent back."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource, Project
from backend.db.tables_of_doubts import Doubt, DoubtDecision, DoubtRun
from ml_backend.contract.messages import JobFolder, Progress
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.doubt_data import begin_run, find_doubts
from tests.backend.admin.queries import assert_few_queries

DOUBTS = "/projects/general/errors/doubts"
SENT = "/projects/general/errors/sent"


@pytest.fixture
def ids(filled: Database) -> list[int]:
    return find_doubts(filled)


@pytest.fixture
def curator(sign_in: SignIn, ids: list[int]) -> FlaskClient:
    return sign_in("curator")


def listed(page: str) -> list[int]:
    rows = page.split('data-testid="doubt"')[1:]
    return [int(re.findall(r"/doubts/(\d+)", row)[0]) for row in rows]


def decide(client: FlaskClient, number: int, verdict: str, query: str = "") -> str:
    """Send a verdict from a doubt's page; the address that comes next."""
    page = client.get(f"{DOUBTS}/{number}{query}").text
    revision = re.findall(r'name="revision" value="(\d+)"', page)[0]
    form = {"csrf_token": token_in(page), "revision": revision, "verdict": verdict}
    answer = client.post(f"{DOUBTS}/{number}{query}", data=form)
    assert answer.status_code == 303
    return answer.location


def undo(client: FlaskClient, page: str) -> str:
    number = re.findall(r'name="decision" value="(\d+)"', page)[0]
    form = {"csrf_token": token_in(page), "decision": number}
    return client.get(client.post(f"{DOUBTS}/undo", data=form).location).text


def of_kind(database: Database, kind: str) -> int:
    with database.read() as session:
        its = select(Doubt.id).where(Doubt.kind == kind).order_by(Doubt.rank)
        return session.scalars(its).first() or 0


def test_the_queue_is_listed_in_its_order_page_by_page(
    curator: FlaskClient, ids: list[int]
) -> None:
    page = curator.get(DOUBTS).text
    assert listed(page) == ids[:50]
    assert "812 documents were read" in page
    assert "F1 0.810" in page
    after = re.findall(r'rel="next"[^>]*href="([^"]+)"', page)[0].replace("&amp;", "&")
    assert listed(curator.get(after).text) == ids[50:]


def test_filters_stay_in_the_address(curator: FlaskClient, ids: list[int]) -> None:
    page = curator.get(f"{DOUBTS}?kind=label").text
    first = listed(page)
    assert len(first) == 15
    assert f"{DOUBTS}/{first[0]}?kind=label" in page
    assert f"{DOUBTS}/{first[1]}?kind=label" in curator.get(f"{DOUBTS}/{first[0]}?kind=label").text
    assert listed(curator.get(f"{DOUBTS}?label=nothing&kind=odd").text) == []


def test_documents_are_listed_by_their_most_doubtful_place(
    curator: FlaskClient, filled: Database, ids: list[int]
) -> None:
    with filled.write() as session:
        first, second = (session.get_one(Doubt, number) for number in ids[:2])
        second.document_id = first.document_id  # a second place of one document
        second.gold_revision = first.gold_revision
    page = curator.get(f"{DOUBTS}?documents=1").text
    assert listed(page)[:2] == [ids[0], ids[2]]
    assert "Documents, the most doubtful first" in page
    assert f"{DOUBTS}/{ids[0]}?documents=1" in page
    assert listed(curator.get(DOUBTS).text)[:2] == ids[:2]


@pytest.mark.parametrize(
    ("kind", "signs"),
    [
        ("missed", ["added"]),
        ("spurious", ["removed"]),
        ("boundary", ["boundary", "boundary"]),
        ("label", ["label", "label"]),
    ],
)
def test_gold_and_proposal_are_shown_with_the_evidence(
    curator: FlaskClient, filled: Database, kind: str, signs: list[str]
) -> None:
    page = curator.get(f"{DOUBTS}/{of_kind(filled, kind)}").text
    assert re.findall(r"differs (\w+)", page) == signs
    strings = page.split('data-testid="strings"')[1].split("</section>")[0]
    assert ("서울" if kind == "missed" else "김철수") in strings
    assert page.split('data-testid="similar"')[1].count('class="coloured"') == 3


def test_the_gold_is_right_and_the_decision_is_undone(curator: FlaskClient, ids: list[int]) -> None:
    following = decide(curator, ids[0], "gold")
    assert following == f"{DOUBTS}/{ids[1]}"
    page = curator.get(following).text
    assert ids[0] not in listed(curator.get(DOUBTS).text)
    assert "taken back" in undo(curator, page)
    assert listed(curator.get(DOUBTS).text)[0] == ids[0]


def test_the_proposal_is_taken_and_given_back(curator: FlaskClient, filled: Database) -> None:
    number = of_kind(filled, "label")
    following = decide(curator, number, "model", "?kind=label")
    assert following.endswith("?kind=label")
    with filled.read() as session:
        document_id = session.get_one(Doubt, number).document_id
        gold = session.get_one(Gold, document_id)
        assert gold.source == GoldSource.DECISION
        assert gold.entities == [{"start": 0, "end": 3, "label": "제품"}]
        assert session.scalars(select(DoubtDecision)).one().made_by == "curator@example.com"
    assert "taken back" in undo(curator, curator.get(following).text)
    with filled.read() as session:
        gold = session.get(Gold, document_id)
        assert gold is None or gold.source != GoldSource.DECISION


def test_what_is_sent_back_without_a_task_waits_in_the_queue_and_stays_listed(
    curator: FlaskClient, filled: Database
) -> None:
    with filled.write() as session:
        number = session.scalars(
            select(Doubt.id)
            .join(Gold, Gold.document_id == Doubt.document_id)
            .where(Gold.source == GoldSource.IMPORTED)
        ).first()
    assert number is not None
    following = decide(curator, number, "sent")
    told = curator.get(following).text
    page = curator.get(SENT).text
    assert f"{DOUBTS}/{number}" in page
    assert "nobody has answered yet" in page
    undo(curator, told)
    assert "Nothing is with annotators" in curator.get(SENT).text


def test_two_people_at_one_doubt_do_not_overrule_each_other(
    curator: FlaskClient, sign_in: SignIn, ids: list[int]
) -> None:
    other = sign_in("admin")
    page = other.get(f"{DOUBTS}/{ids[0]}").text
    revision = re.findall(r'name="revision" value="(\d+)"', page)[0]
    decide(curator, ids[0], "gold")
    form = {"csrf_token": token_in(page), "revision": revision, "verdict": "model"}
    answer = other.post(f"{DOUBTS}/{ids[0]}", data=form)
    assert "has decided already" in other.get(answer.location).text
    assert "has decided about this" in other.get(f"{DOUBTS}/{ids[0]}").text


def test_what_is_not_there_is_told(curator: FlaskClient, ids: list[int]) -> None:
    assert curator.get(f"{DOUBTS}/999999").status_code == 404
    assert curator.get("/projects/none/errors/doubts").status_code == 404
    token = token_in(curator.get(f"{DOUBTS}/{ids[0]}").text)
    odd = curator.post(f"{DOUBTS}/{ids[0]}", data={"csrf_token": token, "verdict": "odd"})
    assert "There is no decision" in curator.get(odd.location).text


def test_a_look_is_asked_for_followed_and_stopped(
    curator: FlaskClient, filled: Database, tmp_path: Path
) -> None:
    token = token_in(curator.get(DOUBTS).text)
    answer = curator.post(DOUBTS, data={"csrf_token": token})
    page = curator.get(answer.location).text
    assert "being looked through" in page
    assert "waiting for a training worker" in page
    again = curator.post(DOUBTS, data={"csrf_token": token})
    assert "looked through already" in curator.get(again.location).text
    with filled.write() as session:
        run = session.scalars(select(DoubtRun).order_by(DoubtRun.id.desc())).first()
        assert run is not None
        run.folder, run.state = str(tmp_path), "running"
    JobFolder(tmp_path).write_progress(Progress(3, "training", 40, 100, 30.0))
    assert "40 of 100" in curator.get(f"{DOUBTS}/live").text
    stopped = curator.post(f"{DOUBTS}/cancel", data={"csrf_token": token})
    assert "asked to stop" in curator.get(stopped.location).text
    assert JobFolder(tmp_path).cancel_asked()


def test_an_empty_project_has_too_little_gold_to_doubt(sign_in: SignIn) -> None:
    client = sign_in("curator")
    page = client.get("/projects/empty/errors/doubts").text
    assert "Nobody has looked yet" in page
    answer = client.post("/projects/empty/errors/doubts", data={"csrf_token": token_in(page)})
    assert "20 gold documents" in client.get(answer.location).text


def test_a_doubt_whose_gold_has_changed_is_not_decided(
    curator: FlaskClient, filled: Database, ids: list[int]
) -> None:
    page = curator.get(f"{DOUBTS}/{ids[0]}").text
    with filled.write() as session:
        gold = session.get_one(Gold, session.get_one(Doubt, ids[0]).document_id)
        session.get_one(Project, gold.project_id).gold_revision += 1
        gold.revision += 100_000
    revision = re.findall(r'name="revision" value="(\d+)"', page)[0]
    form = {"csrf_token": token_in(page), "revision": revision, "verdict": "gold"}
    answer = curator.post(f"{DOUBTS}/{ids[0]}", data=form)
    assert "has changed meanwhile" in curator.get(answer.location).text
    assert 'name="verdict"' not in curator.get(f"{DOUBTS}/{ids[0]}").text


def test_the_pages_take_few_queries(curator: FlaskClient, filled: Database, ids: list[int]) -> None:
    begin_run(filled)
    paths = ("", "?kind=missed&label=x", f"/{ids[0]}", "/live")
    assert_few_queries(curator, *(DOUBTS + path for path in paths))
