"""An action that is asked for twice under one key is done once."""

from datetime import timedelta

import pytest

from backend.db.tables import now
from backend.db.tables_of_access import ApiToken, IdempotencyKey
from backend.db.tables_of_labels import LabelMapping

RENAME = "/projects/general/labels/rename"
NONE = {"number": 0}  # the mapping of nothing


@pytest.fixture
def ask(program):
    return program("admin")


def body(label: str, into: str = "person") -> dict[str, str]:
    return {"label": label, "into": into}


@pytest.fixture
def label(ask) -> str:
    """A label of the project."""
    return ask("GET", "/projects/general").json["labels"][0]


def mappings(filled) -> int:
    with filled.read() as session:
        return session.query(LabelMapping).count()


def test_the_same_key_gets_the_first_answer_again(ask, label, filled) -> None:
    key = {"Idempotency-Key": "one"}
    first = ask("POST", RENAME, json=body(label), headers=key)
    again = ask("POST", RENAME, json=body(label), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert mappings(filled) == 1


def test_a_key_is_for_one_request_and_one_token(ask, program, label) -> None:
    key = {"Idempotency-Key": "one"}
    assert ask("POST", RENAME, json=body(label), headers=key).status_code == 201
    other = ask("POST", RENAME, json=body(label, "human"), headers=key)
    assert other.status_code == 422
    assert "another request" in other.json["detail"]
    other = program("admin")("POST", "/projects/general/mappings/restore", json=NONE, headers=key)
    assert other.status_code == 201


def test_what_was_refused_may_be_tried_again_under_its_key(ask, label) -> None:
    key = {"Idempotency-Key": "one"}
    assert ask("POST", RENAME, json=body("없다"), headers=key).status_code == 404
    assert ask("POST", RENAME, json=body("없다"), headers=key).status_code == 404
    assert ask("POST", RENAME, json=body(label), headers=key).status_code == 201


def test_while_the_first_is_under_way_the_second_is_told_so(ask, label, filled) -> None:
    key = {"Idempotency-Key": "one"}
    assert ask("POST", RENAME, json=body(label), headers=key).status_code == 201
    with filled.write() as session:
        row = session.query(IdempotencyKey).one()
        row.status, row.answer, row.created_at = None, None, now()
    answer = ask("POST", RENAME, json=body(label), headers=key)
    assert answer.status_code == 409
    assert "under way" in answer.json["detail"]
    with filled.write() as session:
        session.query(IdempotencyKey).one().created_at = now() - timedelta(hours=1)
    assert ask("POST", RENAME, json=body(label, "later"), headers=key).status_code == 422
    assert ask("POST", RENAME, json=body(label), headers=key).status_code != 409


def test_a_secret_is_told_once_and_kept_nowhere(ask, filled) -> None:
    key = {"Idempotency-Key": "one"}
    wanted = {"name": "ci", "account": "curator@example.com", "scopes": ["gold:read"]}
    made = ask("POST", "/tokens", json=wanted, headers=key)
    assert made.status_code == 201
    again = ask("POST", "/tokens", json=wanted, headers=key)
    assert again.status_code == 409
    with filled.read() as session:
        assert session.query(IdempotencyKey).one().answer is None
        assert session.query(ApiToken).count() == 2
    listed = ask("GET", "/tokens").text
    assert made.json["token"] not in listed


@pytest.mark.parametrize("key", ["x" * 101, "키".encode().decode("latin-1")])
def test_a_key_that_cannot_be_is_refused(ask, label, key: str) -> None:
    answer = ask("POST", RENAME, json=body(label), headers={"Idempotency-Key": key})
    assert answer.status_code == 422
