"""The autolabel queue by the API: the list that the page shows, decided as it was seen."""

import pytest
from sqlalchemy import select

from backend.db.tables import Document
from backend.db.tables_of_autolabel import Autolabel, Promise, PromiseState
from tests.backend.admin.filled import add_project
from tests.backend.admin.filled_queue import KEY, add_queue

QUEUE = f"/projects/{KEY}/autolabels"


@pytest.fixture
def queue(filled):
    """A second project, with a queue."""
    with filled.write() as session:
        add_queue(session, add_project(session, KEY, "자동 라벨"))
    return filled


@pytest.fixture
def ask(queue, program):
    return program("curator")


def listed(ask, query: str = "") -> list[int]:
    found = ask("GET", f"{QUEUE}?limit=500&{query}").json["items"]
    return [one["document_id"] for one in found]


def test_what_only_chance_may_choose_is_listed_when_it_is_asked_for(ask, queue) -> None:
    drawn = listed(ask)[0]
    with queue.write() as session:
        session.get_one(Document, drawn).group_key = "0" * 64  # in the random arm
    assert drawn not in listed(ask)
    assert drawn in listed(ask, "reason=chance")


def test_an_item_is_unsure_by_a_promise_that_is_in_force(ask, queue) -> None:
    with queue.write() as session:
        promise = session.scalars(select(Promise)).one()
        promise.threshold = 0.6
    unsure = listed(ask, "reason=unsure")
    assert unsure == listed(ask, "most=0.5999")
    with queue.write() as session:
        session.get_one(Promise, promise.id).state = PromiseState.STOPPED
    assert listed(ask, "reason=unsure") == listed(ask) != unsure


def test_nothing_is_decided_when_an_item_is_not_as_it_was_seen(ask, queue) -> None:
    first, second = ask("GET", f"{QUEUE}?limit=2").json["items"]
    seen = [{name: one[name] for name in ("document_id", "changed_at")} for one in (first, second)]
    alone = {"decision": "reject", "items": [{"document_id": second["document_id"]}]}
    assert ask("POST", f"{QUEUE}/decide", json=alone).status_code == 200
    both = ask("POST", f"{QUEUE}/decide", json={"decision": "accept", "items": seen})
    assert both.status_code == 409
    assert f"document {second['document_id']} has changed" in both.json["detail"]
    with queue.read() as session:
        assert session.get_one(Autolabel, first["document_id"]).state == "pending"
    decided = ask("POST", f"{QUEUE}/decide", json={"decision": "accept", "items": seen[:1]})
    assert (decided.status_code, decided.json["items"]) == (200, 1)
