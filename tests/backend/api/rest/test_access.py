"""No action without its scope: every operation, with each scope alone, and each role."""

from datetime import timedelta

import pytest
from flask import Flask

from backend.admin.frame.permissions import ALLOWED
from backend.api.rest.operations import OPERATIONS
from backend.db.api_tokens import revoke_token
from backend.db.scopes import ROLE_OF_SCOPE, Scope, allowed_scopes
from backend.db.tables import Role, now
from backend.db.tables_of_access import ApiToken
from backend.errors import InvalidInputError
from backend.workflow.projects.accounts import give_role
from tests.backend.admin.conftest import PASSWORD, token_in

WHO = {Role.ANNOTATOR: "annotator", Role.CURATOR: "curator", Role.ADMINISTRATOR: "admin"}


def address(operation) -> str:
    given = {"key": "general", "name": "v3"}
    values = {name: given.get(name, "999999") for name in operation.parameters}
    return operation.path.format(**values)


def test_the_table_holds_a_scope_for_each_operation() -> None:
    scopes = {f"rest.{one.name}": ALLOWED.get(f"rest.{one.name}") for one in OPERATIONS}
    assert [name for name, scope in scopes.items() if not isinstance(scope, Scope)] == []
    named = {name for name, scope in ALLOWED.items() if isinstance(scope, Scope)}
    assert named == set(scopes)


def test_names_and_addresses_are_each_operation_s_own() -> None:
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)


def test_reading_never_takes_a_scope_that_writes() -> None:
    thinking = {"what_if"}  # asked with a body, and changes nothing
    for one in OPERATIONS:
        reads = ALLOWED[f"rest.{one.name}"].endswith(":read")
        assert reads == (one.method == "GET" or one.name in thinking), one.name


def test_each_operation_is_refused_without_its_scope_and_only_then(program) -> None:
    programs = {scope: program("admin", [scope]) for scope in Scope}
    for operation in OPERATIONS:
        needed = ALLOWED[f"rest.{operation.name}"]
        for scope, ask in programs.items():
            if scope == needed and operation.acts:
                continue  # test_schema.py does it
            answer = ask(operation.method, address(operation))
            assert (answer.status_code == 403) == (scope != needed), (operation.name, scope)
            assert answer.status_code != 401


def test_an_annotator_s_token_reads_no_more_than_the_pages_show_one(program) -> None:
    annotator, curator = program("annotator"), program("curator")
    of_project = [f"/projects/general/{name}" for name in ("settings", "members", "connection")]
    for path in ("/jobs", *of_project):
        assert annotator("GET", path).status_code == 403, path
        assert curator("GET", path).status_code != 403, path


def test_a_token_never_does_what_its_account_s_role_does_not_allow(program, filled) -> None:
    for role, who in WHO.items():
        ask = program(who)
        for operation in OPERATIONS:
            allowed = ALLOWED[f"rest.{operation.name}"] in allowed_scopes(role)
            if allowed and operation.acts:
                continue
            answer = ask(operation.method, address(operation))
            assert (answer.status_code == 403) == (not allowed), (operation.name, role)


@pytest.mark.parametrize(
    "shown", ["", "gl_nothing", "Bearer", "Basic YWRtaW46eA==", "Bearer gl_키", "Bearer \x7f"]
)
def test_nothing_is_said_without_a_token(app: Flask, shown: str) -> None:
    for operation in OPERATIONS:
        headers = {"Authorization": shown.encode("utf-8").decode("latin-1")} if shown else {}
        answer = app.test_client().open(
            f"/api/v1{address(operation)}", method=operation.method, headers=headers
        )
        assert answer.status_code == 401, operation.name
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_s_cookie_opens_nothing(app: Flask) -> None:
    client = app.test_client()
    form = {"email": "admin@example.com", "password": PASSWORD}
    form["csrf_token"] = token_in(client.get("/login").text)
    assert client.post("/login", data=form).status_code == 302
    assert client.get("/api/v1/projects").status_code == 401


def test_a_revoked_token_is_worth_nothing(program, filled) -> None:
    ask = program()
    assert ask("GET", "/projects").status_code == 200
    with filled.write() as session:
        revoke_token(session, session.query(ApiToken).one().id)
    assert ask("GET", "/projects").status_code == 401


def test_an_expired_token_is_worth_nothing(program, filled) -> None:
    ask = program(expires_at=now() + timedelta(days=1))
    assert ask("GET", "/projects").status_code == 200
    with filled.write() as session:
        session.query(ApiToken).one().expires_at = now() - timedelta(seconds=1)
    assert ask("GET", "/projects").status_code == 401


def test_scopes_go_with_the_role(program, filled) -> None:
    ask = program("curator")
    assert ask("GET", "/projects/general/labels").status_code == 200
    with filled.write() as session:
        account_id = session.query(ApiToken).one().account_id
        give_role(session, account_id, Role.ANNOTATOR, by="x", own="x")
    assert ask("GET", "/projects/general/labels").status_code == 403
    assert ask("GET", "/projects").status_code == 200


def test_no_token_is_made_with_more_than_its_role_allows(token) -> None:
    beyond = [scope for scope, role in ROLE_OF_SCOPE.items() if role == Role.ADMINISTRATOR]
    for scope in beyond:
        with pytest.raises(InvalidInputError, match="does not allow"):
            token("curator", [scope])


def test_only_a_hash_is_kept_and_the_last_use(program, filled) -> None:
    ask = program()
    ask("GET", "/projects")
    with filled.read() as session:
        kept = session.query(ApiToken).one()
    assert ask.token not in str(vars(kept))
    assert kept.last_used_at is not None


def test_an_annotators_token_sees_the_projects_that_they_work_in(program) -> None:
    ask, curator = program("annotator"), program("curator")
    assert [one["key"] for one in ask("GET", "/projects").json["items"]] == ["general"]
    assert len(curator("GET", "/projects").json["items"]) == 2
    assert ask("GET", "/projects/general").status_code == 200
    assert ask("GET", "/projects/empty").status_code == 404
    assert curator("GET", "/projects/empty").status_code == 200
