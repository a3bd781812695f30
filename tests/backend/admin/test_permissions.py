"""Every route is in the table, and does for each role what the table says."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.admin.charts.charts import VERSION
from backend.admin.frame.permissions import ALLOWED, may
from backend.db.scopes import Scope
from backend.db.tables import Role
from tests.backend.admin.conftest import SignIn, token_in

PEOPLE = {
    None: None,
    Role.ANNOTATOR: "annotator",
    Role.CURATOR: "curator",
    Role.ADMINISTRATOR: "admin",
}


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and address of every route."""
    adapter = app.url_map.bind("localhost")
    given = {
        "token_id": 1,
        "key": "general",
        "project_key": "general",
        "version": VERSION,
        "filename": "goldloop.css",
    }
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if isinstance(ALLOWED.get(rule.endpoint), Scope):
                continue  # tests/backend/api/rest/test_access.py walks these
            values = {name: given.get(name, 1) for name in rule.arguments} | (rule.defaults or {})
            found.append((rule.endpoint, method, adapter.build(rule.endpoint, values, method)))
    return found


def test_the_table_names_exactly_the_routes_there_are(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ALLOWED)


@pytest.mark.parametrize("role", list(PEOPLE))
def test_every_route_answers_each_role_as_the_table_says(
    app: Flask, sign_in: SignIn, role: Role | None
) -> None:
    ending_the_session = {"login.logout"}
    client: FlaskClient = sign_in(PEOPLE[role]) if role else app.test_client()
    for endpoint, method, address in routes(app):
        if endpoint in ending_the_session or endpoint.startswith("webhooks."):
            continue
        # /login answers people who are signed in by sending them on: its form has no token then
        page = client.get("/password" if role else "/login")
        answer = client.open(address, method=method, data={"csrf_token": token_in(page.text)})
        needed = ALLOWED[endpoint]
        where = f"{method} {address} as {role}"
        if role is None and needed is not None:
            asked = answer.status_code == 401 or answer.location.startswith("/login")
            assert asked, where
        elif role is None or may(role, needed):
            assert answer.status_code not in (403, 500), where
            assert endpoint == "login.change_password" or answer.status_code != 401 or not role, (
                where
            )
        else:
            assert answer.status_code == 403, where


def test_a_route_that_is_not_in_the_table_is_open_to_nobody(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ALLOWED, "project.live")
    assert sign_in("admin").get("/projects/general/live").status_code == 403
