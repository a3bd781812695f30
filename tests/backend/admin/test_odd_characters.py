"""Characters that a database cannot keep are refused in a sentence, on both databases alike."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.app import create_app
from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.scopes import Scope
from backend.db.session import Database
from backend.settings import Settings
from tests.backend.admin.conftest import NOBODY_THERE, token_in
from tests.backend.admin.filled import PASSWORD, add_people, add_project

NUL = "a\0b"


@pytest.fixture
def app(settings: Settings, any_database: Database) -> Flask:
    address = any_database.engine.url.render_as_string(hide_password=False)
    with any_database.write() as session:
        add_people(session)
        add_project(session)
    return create_app(settings.model_copy(update={"database_url": address, **NOBODY_THERE}))


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    client = app.test_client()
    form = {"email": "admin@example.com", "password": PASSWORD}
    form["csrf_token"] = token_in(client.get("/login").text)
    assert client.post("/login", data=form).status_code == 302
    return client


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/login", {"email": NUL, "password": "x"}),
        ("/accounts", {"email": f"{NUL}@example.com", "role": "curator", "password": "x" * 12}),
        ("/tokens", {"name": NUL, "account": "admin@example.com", "scopes": "gold:read"}),
        ("/projects/general/settings/members", {"email": NUL}),
        ("/projects/general/releases", {"note": NUL}),
    ],
)
def test_nul_in_a_form_is_refused(admin: FlaskClient, path: str, form: dict[str, str]) -> None:
    token = token_in(admin.get("/password").text)
    answer = admin.post(path, data={"csrf_token": token, **form})
    assert answer.status_code == 422
    assert "holds a NUL character" in answer.text


def test_nul_in_an_address_is_refused(admin: FlaskClient) -> None:
    assert admin.get("/projects/general/errors?label=%00").status_code == 422
    assert admin.get("/projects/%00").status_code == 404
    assert admin.get("/projects/general/models/%00").status_code == 404


def test_nul_in_a_request_of_the_api_is_refused(app: Flask, any_database: Database) -> None:
    with any_database.write() as session:
        account = existing_account(session, "admin@example.com")
        _, shown = make_token(session, account, "x", list(Scope), made_by="x")
    ask = app.test_client()
    headers = {"Authorization": f"Bearer {shown}"}
    for path, body in (
        ("/accounts", {"email": "a@b", "role": "curator", "name": NUL, "password": "x" * 12}),
        ("/projects/general/labels", {"labels": [NUL]}),
        ("/projects", {"key": "x", "name": "x", "label_config": NUL}),
    ):
        answer = ask.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == 422, path
    answer = ask.get("/api/v1/projects/general/versions/%00", headers=headers)
    assert answer.status_code == 422
    line = b'{"id": "a", "text": "nul \\u0000"}\n{"id": "b", "text": "\xea\xb8\x80"}'
    answer = ask.post(
        "/api/v1/projects/general/imports?filename=x.jsonl", data=line, headers=headers
    )
    assert (answer.json["added"], answer.json["refused_lines"]) == (1, 1)
