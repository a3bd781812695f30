"""Texts of people and secrets stay out of logs and of pages that say what went wrong."""

import traceback
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.app import create_app
from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.bulk import insert_rows
from backend.db.scopes import Scope
from backend.db.session import Database, connect
from backend.db.tables import Document
from backend.settings import Settings
from tests.backend.admin.conftest import NOBODY_THERE, token_in
from tests.backend.admin.filled import add_people, add_project

PATIENT = "김서연 환자는 만성 췌장염으로 입원하였다"
PASSWORD = "a-password-nobody-has-seen"
COLUMNS = ("project_id", "external_id", "text", "group_key")

pytestmark = pytest.mark.real


@pytest.fixture
def refusing(postgresql_url: str) -> Iterator[Database]:
    """A database that refuses every text and every event, and would repeat them."""
    opened = connect(postgresql_url)
    with opened.write() as session:
        add_people(session)
        add_project(session)
        session.execute(text("ALTER TABLE documents ADD CHECK (length(text) < 5)"))
        session.execute(text("ALTER TABLE inbox ADD CHECK (length(payload::text) < 5)"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def client(refusing: Database, postgresql_url: str, settings: Settings) -> FlaskClient:
    there = {**NOBODY_THERE, "database_url": postgresql_url}
    return create_app(settings.model_copy(update=there)).test_client()


def in_copy(session) -> None:
    insert_rows(session, Document, COLUMNS, [(1, "a", PATIENT, "k")])


def in_a_statement(session) -> None:
    session.add(Document(project_id=1, external_id="a", text=PATIENT, group_key="k"))
    session.flush()


@pytest.mark.parametrize("write", [in_copy, in_a_statement])
def test_the_database_does_not_repeat_the_row_that_it_refuses(refusing: Database, write) -> None:
    with pytest.raises(Exception, match="violates") as refused, refusing.write() as session:
        write(session)
    assert PATIENT not in "".join(traceback.format_exception(refused.value))


def test_a_failure_names_no_patient_and_no_secret(
    client: FlaskClient, refusing: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with refusing.write() as session:
        admin = existing_account(session, "admin@example.com")
        token = make_token(session, admin, "a test", [Scope.GOLD_WRITE], made_by="x")[1]
    hook = settings.webhook_secret.get_secret_value()
    shown = {"Authorization": f"Bearer {token}"}
    signing_in = {"email": "admin@example.com", "password": PASSWORD}
    signing_in["csrf_token"] = token_in(client.get("/login").text)
    answers = [
        client.post("/api/v1/projects/general/imports", data=PATIENT.encode(), headers=shown),
        client.post("/api/v1/projects/general/imports", data=b'{"text": 1}', headers=shown),
        client.post(
            "/webhooks/general",
            json={"action": "TASKS_CREATED", "tasks": [{"id": 1, "data": {"text": PATIENT}}]},
            headers={"Authorization": f"Bearer {hook}"},
        ),
        client.post("/login", data=signing_in),
        client.get(f"/projects/none?q={PATIENT}"),
        client.post("/api/v1/projects/general/imports", headers={"Authorization": "Bearer no"}),
    ]
    assert 500 in [answer.status_code for answer in answers]
    for said in (caplog.text, *(answer.text for answer in answers)):
        for kept in (PATIENT, PATIENT.split(maxsplit=1)[0], PASSWORD, token, hook):
            assert kept not in said
    assert "check constraint" in caplog.text
