"""What the API answers: one shape of errors, pages by cursor, changes in the audit log."""

import orjson
import pytest
from sqlalchemy.exc import DataError

from backend.api.rest.problem import problem_of
from backend.db import session as sessions
from backend.db.audit_log import record
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Run
from backend.db.turns import end_turn, take_turn


@pytest.fixture
def ask(program):
    return program("admin")


def test_every_error_has_one_shape(ask) -> None:
    asked = {
        404: ask("GET", "/projects/none"),
        405: ask("DELETE", "/projects"),
        422: ask("POST", "/projects", json={"key": "A"}),
        409: ask("POST", "/projects", json={"key": "general", "name": "x", "label_config": CONFIG}),
    }
    asked[400] = ask("GET", "/nothing/here")
    for status, answer in asked.items():
        assert answer.status_code == (404 if status == 400 else status)
        assert answer.mimetype == "application/problem+json"
        assert set(answer.json) == {"type", "title", "status", "detail", "errors", "id"}
        assert answer.json["status"] == answer.status_code


CONFIG = (
    '<View><Labels name="l" toName="t"><Label value="PS"/></Labels><Text name="t" value="$text"/>'
    "</View>"
)


def test_each_mistake_in_a_request_is_named(ask) -> None:
    answer = ask("PATCH", "/projects/general/settings", json={"gate_margin": 3, "colour": "red"})
    where = {one["where"] for one in answer.json["errors"]}
    assert where == {"body.gate_margin", "body.colour"}


def test_only_what_is_named_is_set_and_the_log_tells_of_it(ask, filled) -> None:
    before = ask("GET", "/projects/general/settings").json
    answer = ask("PATCH", "/projects/general/settings", json={"open_tasks": 7, "min_support": None})
    assert answer.json == {**before, "open_tasks": 7}
    with filled.read() as session:
        assert settings_of(project_by_key(session, "general")).open_tasks == 7
    (entry,) = ask("GET", "/audit-log?project=general&action=settings.").json["items"]
    assert entry["before"] == {"open_tasks": before["open_tasks"]}
    assert entry["after"] == {"open_tasks": 7}
    assert entry["who"] == "admin@example.com (token a test)"


def test_lists_are_paged_by_cursor(ask, filled) -> None:
    with filled.write() as session:
        for number in range(7):
            record(session, "a@example.com", "run.cancel", subject=number)
    seen, after = [], ""
    while after is not None:
        page = ask("GET", f"/audit-log?who=a@&limit=3{after and f'&after={after}'}").json
        seen += [one["subject"] for one in page["items"]]
        after = page["next"]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_file_is_imported_and_its_gold_comes_out(ask) -> None:
    made = ask("POST", "/projects", json={"key": "fresh", "name": "새것", "label_config": CONFIG})
    assert made.status_code == 201
    entity = {"start": 0, "end": 3, "label": "PS"}
    lines = [{"id": "a", "text": "홍길동이 왔다.", "entities": [entity]}, {"id": "b", "text": 7}]
    answer = ask(
        "POST",
        "/projects/fresh/imports?filename=gold.jsonl&gold=train",
        data=b"\n".join(map(orjson.dumps, lines)),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json["added"] == answer.json["refused_lines"] == 1
    assert answer.json["refused"][0].startswith("gold.jsonl")
    (line,) = ask("GET", "/projects/fresh/gold").data.splitlines()
    assert orjson.loads(line)["entities"] == [{**entity, "text": "홍길동"}]
    (noted,) = ask("GET", "/projects/fresh/audit-log?action=documents.").json["items"]
    assert (noted["subject"], noted["after"]) == ("gold.jsonl", {"added": 1, "with_gold": 1})
    assert noted["who"] != "command line"


def test_a_file_may_be_larger_than_a_form_and_a_body_may_not(ask) -> None:
    assert ask("POST", "/projects", json={"key": "x" * 2**20}).status_code == 413
    lines = [{"id": str(number), "text": f"{number} " + "가" * 100_000} for number in range(5)]
    data = b"\n".join(map(orjson.dumps, lines))
    assert len(data) > 2**20
    answer = ask("POST", "/projects/empty/imports?filename=large.jsonl", data=data)
    assert (answer.status_code, answer.json["added"]) == (201, 5)


def test_people_are_added_given_roles_and_passwords(ask) -> None:
    person = {"email": "new@example.com", "role": "annotator", "password": "a-long-enough-one"}
    made = ask("POST", "/accounts", json=person)
    assert made.status_code == 201
    number = made.json["id"]
    assert ask("PUT", f"/accounts/{number}/role", json={"role": "curator"}).status_code == 200
    changed = ask("PUT", f"/accounts/{number}/password", json={"password": "another-long-one"})
    assert changed.status_code == 200
    log = ask("GET", "/audit-log?action=account.").json["items"]
    assert [one["action"] for one in log] == ["account.password", "account.role", "account.add"]
    assert "long" not in str(log)


def test_while_another_writes_for_long_what_reads_is_answered(ask, filled, monkeypatch) -> None:
    monkeypatch.setattr(sessions, "BUSY_TIMEOUT", 0.05)
    turn = take_turn(filled.turns, 1)
    try:
        assert ask("GET", "/projects").status_code == 200
        answer = ask("PATCH", "/projects/general/settings", json={"open_tasks": 7})
        assert answer.status_code == 503
        assert "busy" in answer.json["detail"]
    finally:
        end_turn(turn)


def test_a_number_that_no_database_takes_is_the_program_s_mistake(app, any_database) -> None:
    with (
        pytest.raises((OverflowError, DataError)) as raised,
        any_database.read() as session,
    ):
        session.get(Run, 2**70)
    with app.test_request_context("/api/v1/projects"):
        assert problem_of(raised.value).status_code == 422


def test_a_run_that_cannot_begin_says_why(ask) -> None:
    answer = ask("POST", "/projects/empty/runs", json={})
    assert answer.status_code == 409
    assert "gold documents" in answer.json["detail"]
