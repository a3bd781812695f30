"""Administrators see the accounts and give roles; nobody else does, and nobody to themselves."""

import logging

import pytest

from backend.db.accounts import existing_account
from backend.db.session import Database
from backend.db.tables import Role
from tests.backend.admin.conftest import SignIn, token_in


def number_of(filled: Database, who: str) -> int:
    with filled.read() as session:
        return existing_account(session, f"{who}@example.com").id


def role_of(filled: Database, who: str) -> str:
    with filled.read() as session:
        return existing_account(session, f"{who}@example.com").role


def test_the_list_shows_everybody_and_what_they_did(sign_in: SignIn) -> None:
    page = sign_in("admin").get("/accounts").text
    for who in ("annotator", "curator", "admin", "annotator-2"):
        assert f"{who}@example.com" in page
    listed = page.split("주석자 2")[1].split("</tr>")[0]
    assert "cannot sign in" in listed  # first seen in Label Studio
    assert "just now" in listed or " ago" in listed


def test_a_role_holds_from_the_next_click(
    sign_in: SignIn, filled: Database, caplog: pytest.LogCaptureFixture
) -> None:
    admin, annotator = sign_in("admin"), sign_in("annotator")
    assert annotator.get("/projects/general/settings").status_code == 403
    number = number_of(filled, "annotator")
    form = {"csrf_token": token_in(admin.get("/accounts").text), "role": "curator"}
    with caplog.at_level(logging.INFO, "backend.admin.settings.accounts"):
        answer = admin.post(f"/accounts/{number}/role", data=form)
    assert "annotator@example.com has the role curator now" in admin.get(answer.location).text
    assert annotator.get("/projects/general/settings").status_code == 200
    assert f"account={number} role=curator by=admin@example.com" in caplog.text


def test_nobody_changes_their_own_role(sign_in: SignIn, filled: Database) -> None:
    admin = sign_in("admin")
    form = {"csrf_token": token_in(admin.get("/accounts").text), "role": "annotator"}
    answer = admin.post(f"/accounts/{number_of(filled, 'admin')}/role", data=form)
    assert "another administrator" in admin.get(answer.location).text
    assert role_of(filled, "admin") == Role.ADMINISTRATOR


@pytest.mark.parametrize("role", ["", "owner", "Curator"])
def test_an_unknown_role_is_refused(sign_in: SignIn, filled: Database, role: str) -> None:
    admin = sign_in("admin")
    form = {"csrf_token": token_in(admin.get("/accounts").text), "role": role}
    answer = admin.post(f"/accounts/{number_of(filled, 'annotator')}/role", data=form)
    assert "There is no such role" in admin.get(answer.location).text
    assert role_of(filled, "annotator") == Role.ANNOTATOR


def test_an_unknown_account_is_not_found(sign_in: SignIn) -> None:
    admin = sign_in("admin")
    form = {"csrf_token": token_in(admin.get("/accounts").text), "role": "curator"}
    assert admin.post("/accounts/999/role", data=form).status_code == 404


def test_only_administrators_are_led_there(sign_in: SignIn) -> None:
    assert 'href="/accounts"' in sign_in("admin").get("/").text
    assert 'href="/accounts"' not in sign_in("curator").get("/").text


def test_the_form_needs_its_token(sign_in: SignIn, filled: Database) -> None:
    number = number_of(filled, "annotator")
    answer = sign_in("admin").post(f"/accounts/{number}/role", data={"role": "curator"})
    assert answer.status_code == 400
