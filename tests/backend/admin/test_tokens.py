"""Tokens are made and revoked by administrators; what a program shows is shown once."""

import re

from flask import Flask

from backend.db.session import Database
from backend.db.tables_of_access import ApiToken, AuditEntry
from tests.backend.admin.conftest import SignIn, token_in


def make(client, **changed: object) -> str:
    form = {
        "csrf_token": token_in(client.get("/tokens").text),
        "name": "밤 백업",
        "account": "curator@example.com",
        "scopes": ["gold:read", "projects:read"],
        "days": "30",
        **changed,
    }
    answer = client.post("/tokens", data=form)
    return answer.text


def shown_in(page: str) -> str:
    found = re.search(r'data-testid="shown">([^<]+)<', page)
    assert found, page
    return found[1]


def test_a_token_is_shown_once_and_does_what_it_may(app: Flask, sign_in: SignIn) -> None:
    admin = sign_in("admin")
    shown = shown_in(make(admin))
    assert shown not in admin.get("/tokens").text
    assert "밤 백업" in admin.get("/tokens").text
    headers = {"Authorization": f"Bearer {shown}"}
    program = app.test_client()
    assert program.get("/api/v1/projects/general/labels", headers=headers).status_code == 200
    assert program.get("/api/v1/accounts", headers=headers).status_code == 403


def test_the_log_tells_of_it_without_the_secret(sign_in: SignIn, filled: Database) -> None:
    shown = shown_in(make(sign_in("admin")))
    with filled.read() as session:
        entry = session.query(AuditEntry).filter_by(action="token.make").one()
        token = session.query(ApiToken).one()
    assert entry.who == "admin@example.com"
    assert entry.after["account"] == "curator@example.com"
    assert shown not in str(vars(entry)) + str(vars(token))


def test_a_revoked_token_is_refused(app: Flask, sign_in: SignIn, filled: Database) -> None:
    admin = sign_in("admin")
    shown = shown_in(make(admin))
    with filled.read() as session:
        number = session.query(ApiToken).one().id
    form = {"csrf_token": token_in(admin.get("/tokens").text)}
    assert admin.post(f"/tokens/{number}/revoke", data=form).status_code == 303
    headers = {"Authorization": f"Bearer {shown}"}
    assert app.test_client().get("/api/v1/projects", headers=headers).status_code == 401
    assert "revoked" in admin.get("/tokens").text


def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(sign_in: SignIn) -> None:
    admin = sign_in("admin")
    page = make(admin, scopes=["accounts:write"])
    assert "does not allow accounts:write" in page
    assert 'value="밤 백업"' in page
    assert "give it one" in make(admin, scopes=[])
    assert "needs a name" in make(admin, name=" ")
    assert "there is no account" in make(admin, account="no@example.com").lower()


def test_only_the_lifetimes_that_are_offered_can_be_chosen(
    sign_in: SignIn, filled: Database
) -> None:
    admin = sign_in("admin")
    for days in ("", "31", "-1", "many"):
        assert "Choose when the token expires." in make(admin, days=days)
    with filled.read() as session:
        assert session.query(ApiToken).count() == 0
    shown_in(make(admin, days="0"))
    with filled.read() as session:
        assert session.query(ApiToken).one().expires_at is None
