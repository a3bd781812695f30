"""Signing in: by password, limited, ended by a change of password; never sent elsewhere."""

import time

import pytest
from flask import Flask
from itsdangerous import TimestampSigner
from pydantic import SecretStr

from backend.app import create_app
from backend.db.accounts import add_account, existing_account, set_password
from backend.db.session import Database
from backend.db.tables import Role
from backend.errors import SettingsError
from backend.settings import Settings
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.filled import PASSWORD


def attempt(app: Flask, email: str, password: str, address: str = "127.0.0.1") -> int:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    token = token_in(client.get("/login").text)
    form = {"email": email, "password": password, "csrf_token": token}
    return client.post("/login", data=form).status_code


def test_each_role_signs_in_and_sees_the_projects(sign_in: SignIn) -> None:
    for who in ("annotator", "curator", "admin"):
        page = sign_in(who).get("/").text
        assert "일반 도메인 개체명" in page
        assert who in page


def test_wrong_passwords_and_unknown_people_are_refused_alike(app: Flask) -> None:
    assert attempt(app, "curator@example.com", "wrong password") == 401
    assert attempt(app, "nobody@example.com", PASSWORD) == 401
    assert attempt(app, "CURATOR@example.com ", PASSWORD) == 302


def test_an_account_first_seen_in_label_studio_cannot_sign_in(app: Flask, filled: Database) -> None:
    with filled.write() as session:
        add_account(session, "seen@example.com", role=Role.ANNOTATOR)
    assert attempt(app, "seen@example.com", "") == 401


def test_wrong_attempts_are_limited_by_account(app: Flask) -> None:
    tried = [attempt(app, "curator@example.com", f"wrong {number}") for number in range(9)]
    assert tried == [401] * 8 + [429]
    assert attempt(app, "curator@example.com", PASSWORD) == 429
    assert attempt(app, "admin@example.com", PASSWORD) == 302


def test_wrong_attempts_are_limited_by_network_address(app: Flask) -> None:
    tried = [attempt(app, f"guess{number}@example.com", "wrong") for number in range(61)]
    assert tried == [401] * 60 + [429]
    assert attempt(app, "curator@example.com", PASSWORD) == 429
    assert attempt(app, "curator@example.com", PASSWORD, address="192.0.2.7") == 302


def test_signing_in_rightly_is_not_limited(app: Flask) -> None:
    assert {attempt(app, "curator@example.com", PASSWORD) for _ in range(12)} == {302}


def test_a_changed_password_ends_sessions_elsewhere(sign_in: SignIn, filled: Database) -> None:
    here, elsewhere = sign_in("curator"), sign_in("curator")
    form = {
        "csrf_token": token_in(here.get("/password").text),
        "present": PASSWORD,
        "new": "another-password",
        "again": "another-password",
    }
    assert here.post("/password", data=form).location == "/"
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").location.startswith("/login")
    with filled.write() as session:
        set_password(existing_account(session, "curator@example.com"), "by-command-line")
    assert here.get("/").location.startswith("/login")


@pytest.mark.parametrize(
    ("present", "new", "again", "status"),
    [
        ("wrong", "long-enough", "long-enough", 401),
        (PASSWORD, "long-enough", "different", 422),
        (PASSWORD, "short", "short", 422),
    ],
)
def test_a_password_is_changed_only_by_its_owner_to_a_good_one(
    sign_in: SignIn, present: str, new: str, again: str, status: int
) -> None:
    client = sign_in("curator")
    token = token_in(client.get("/password").text)
    form = {"csrf_token": token, "present": present, "new": new, "again": again}
    assert client.post("/password", data=form).status_code == status


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/projects/general", "/projects/general"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\n/evil.example", "/"),
    ],
)
def test_after_signing_in_one_stays_on_our_pages(app: Flask, wanted: str, reached: str) -> None:
    client = app.test_client()
    token = token_in(client.get("/login").text)
    form = {"email": "curator@example.com", "password": PASSWORD, "csrf_token": token}
    answer = client.post("/login", query_string={"next": wanted}, data=form)
    assert answer.location == reached


def test_nobody_is_sent_on_to_an_address_that_no_database_keeps(app: Flask) -> None:
    client = app.test_client()
    token = token_in(client.get("/login").text)
    form = {"email": "curator@example.com", "password": PASSWORD, "csrf_token": token}
    answer = client.post("/login", query_string={"next": "/\x00/evil.example"}, data=form)
    assert answer.status_code == 422
    assert answer.location is None


def test_every_form_needs_its_token(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("curator")
    for action in ("retrain", "cancel", "rollback", "decide", "settings", "retry"):
        answer = client.post(f"/projects/general/{action}")
        assert answer.status_code == 400, action
        assert "expired" in answer.text
    form = {"email": "curator@example.com", "password": PASSWORD}
    assert app.test_client().post("/login", data=form).status_code == 400


def test_signing_out_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in("curator")
    client.post("/logout", data={"csrf_token": token_in(client.get("/").text)})
    assert client.get("/").location.startswith("/login")


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    settings: Settings, filled: Database, app: Flask
) -> None:
    for one, secure in (
        (app, False),
        (create_app(settings.model_copy(update={"behind_proxy": True})), True),
    ):
        cookie = one.test_client().get("/login").headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is secure


def test_a_session_expires_though_its_page_goes_on_looking(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("curator")
    began = time.time()
    for hours, answered in ((0, 200), (11, 200), (13, 401)):
        later = int(began + hours * 3600)
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _signer, at=later: at)
        assert client.get("/projects/general/live").status_code == answered, hours


def test_two_installations_on_one_machine_keep_their_own_sessions(
    settings: Settings, filled: Database, app: Flask
) -> None:
    other = create_app(settings.model_copy(update={"secret_key": SecretStr("another secret" * 3)}))
    names = {one.config["SESSION_COOKIE_NAME"] for one in (app, other)}
    assert len(names) == 2
    assert "session" not in names
    assert create_app(settings).config["SESSION_COOKIE_NAME"] in names  # the same after a restart


def test_the_policy_lets_only_this_answers_scripts_run(sign_in: SignIn) -> None:
    client = sign_in("curator")
    policies = [client.get("/projects/general") for _ in range(2)]
    nonces = [answer.text.split('nonce="')[1].split('"')[0] for answer in policies]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(policies, nonces, strict=True):
        policy = answer.headers["Content-Security-Policy"]
        assert f"script-src 'nonce-{nonce}';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in answer.text


def test_a_missing_secret_stops_the_start(settings: Settings) -> None:
    without = Settings(_env_file=None, goldloop_home=settings.goldloop_home)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        create_app(without)
