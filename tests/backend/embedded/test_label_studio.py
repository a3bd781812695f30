"""The embedded Label Studio: one user, closed to others, reached with a personal token."""

import httpx
import pytest

from backend.embedded.label_studio import VERSION, personal_access_token
from backend.errors import GoldloopError

pytestmark = pytest.mark.real


def test_the_token_opens_the_api_of_the_pinned_version(label_studio):
    answer = httpx.post(
        f"{label_studio.url}/api/token/refresh/", json={"refresh": label_studio.api_key}
    )
    bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
    user = httpx.get(f"{label_studio.url}/api/current-user/whoami", headers=bearer).json()
    assert user["email"] == label_studio.email
    version = httpx.get(f"{label_studio.url}/api/version", headers=bearer).json()
    assert version["release"] == VERSION


def test_a_kept_token_is_read_again_without_the_password(label_studio, tmp_path):
    kept = tmp_path / "token"
    kept.write_text(label_studio.api_key)
    asked = personal_access_token(label_studio.url, label_studio.email, "unused", kept)
    assert asked == label_studio.api_key


def test_a_second_token_says_what_to_do(label_studio, tmp_path):
    with pytest.raises(GoldloopError, match="revoke it"):
        personal_access_token(
            label_studio.url, label_studio.email, label_studio.password, tmp_path / "token"
        )
    assert not (tmp_path / "token").exists()


def test_a_kept_token_of_another_server_is_not_used(label_studio, tmp_path):
    kept = tmp_path / "token"
    kept.write_text(label_studio.api_key[:-8] + "AAAAAAAA")
    with pytest.raises(GoldloopError, match="does not hold"):
        personal_access_token(label_studio.url, label_studio.email, label_studio.password, kept)


def test_a_wrong_password_is_a_sentence(label_studio, tmp_path):
    with pytest.raises(GoldloopError, match="refused the password"):
        personal_access_token(label_studio.url, label_studio.email, "wrong", tmp_path / "token")


def test_nobody_can_sign_up(label_studio):
    with httpx.Client(base_url=label_studio.url) as client:
        page = client.get("/user/signup/")
        form = {
            "email": "stranger@example.com",
            "password": "a-long-password",
            "csrfmiddlewaretoken": client.cookies.get("csrftoken", ""),
        }
        answer = client.post("/user/signup/", data=form, headers={"Referer": str(page.url)})
        assert answer.status_code == 403
