"""Doubtful gold by the API: looked for, listed by cursor, decided and undone."""

import pytest
from sqlalchemy import select

from backend.db.tables import Document
from backend.db.tables_of_doubts import Doubt
from backend.db.tables_of_errors import DifferingDocument
from tests.backend.admin.doubt_data import find_doubts
from tests.backend.admin.error_data import find_errors

DOUBTS = "/projects/general/doubts"
ERRORS = "/projects/general/differences"


@pytest.fixture
def ids(filled) -> list[int]:
    return find_doubts(filled)


@pytest.fixture
def ask(program, ids):
    return program("curator")


def test_the_queue_is_told_by_cursor_with_its_evidence(ask, ids) -> None:
    first = ask("GET", f"{DOUBTS}?limit=40").json
    rest = ask("GET", f"{DOUBTS}?limit=40&after={first['next']}").json
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == ids
    assert rest["next"] is None
    assert set(first["items"][0]["evidence"]) == {"strings", "similar"}
    labels = ask("GET", f"{DOUBTS}?kind=label").json["items"]
    assert {one["kind"] for one in labels} == {"label"}
    documents = ask("GET", f"{DOUBTS}?documents=true&limit=100").json["items"]
    assert [one["id"] for one in documents] == ids  # one place each
    assert [one["score"] for one in documents] == sorted(o["score"] for o in documents)[::-1]


def test_a_doubt_is_decided_once_and_the_decision_taken_back(ask, ids) -> None:
    doubt = ask("GET", f"{DOUBTS}?limit=1").json["items"][0]
    body = {"verdict": "model", "gold_revision": doubt["gold_revision"]}
    made = ask("POST", f"{DOUBTS}/{doubt['id']}/decision", json=body).json
    assert made["about"] == doubt["id"]
    assert ask("POST", f"{DOUBTS}/{doubt['id']}/decision", json=body).status_code == 409
    undone = ask("POST", f"{DOUBTS}/decisions/{made['id']}/undo", json={})
    assert undone.status_code == 200
    assert ask("POST", f"{DOUBTS}/decisions/{made['id']}/undo", json={}).status_code == 409


def test_what_is_with_people_is_listed(ask, filled) -> None:
    with filled.read() as session:
        its = select(Doubt).join(Document).where(Document.task_id.is_(None)).limit(1)
        doubt = session.scalars(its).one()
    body = {"verdict": "sent", "gold_revision": doubt.gold_revision}
    assert ask("POST", f"{DOUBTS}/{doubt.id}/decision", json=body).status_code == 200
    (sent,) = ask("GET", f"{DOUBTS}/sent").json["items"]
    assert (sent["about"], sent["answered"]) == (doubt.id, False)
    number = find_errors(filled)[-1]
    with filled.read() as session:
        body["gold_revision"] = session.get_one(DifferingDocument, number).gold_revision
    assert ask("POST", f"{ERRORS}/{number}/decision", json=body).status_code == 200
    (sent,) = ask("GET", f"{ERRORS}/sent").json["items"]
    assert (sent["about"], sent["answered"]) == (number, False)


def test_a_look_is_asked_for_and_stopped(ask) -> None:
    assert ask("GET", f"{DOUBTS}/look").json["state"] == "done"
    begun = ask("POST", f"{DOUBTS}/look", json={})
    assert (begun.status_code, begun.json["state"]) == (202, "waiting")
    assert ask("POST", f"{DOUBTS}/look", json={}).status_code == 409
    assert ask("POST", f"{DOUBTS}/look/cancel", json={}).status_code == 202
    assert ask("GET", f"{DOUBTS}/look").json["state"] == "cancelled"
    assert ask("POST", f"{DOUBTS}/look/cancel", json={}).status_code == 409
    assert ask("GET", "/projects/empty/doubts/look").status_code == 404
