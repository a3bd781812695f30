"""What the page of a project says of the services below it."""

import threading
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from backend.app import create_app
from backend.db.session import Database
from backend.opened import service_states
from backend.settings import Settings
from tests.backend.admin.conftest import NOBODY_THERE, SignIn

AWAY = "Label Studio does not answer"


@pytest.fixture
def label_studio() -> Iterator[tuple[str, list[HTTPStatus]]]:
    """Where something answers as Label Studio's health does, and what it says."""
    says = [HTTPStatus.OK]
    server = make_server("127.0.0.1", 0, Request.application(lambda _: Response(status=says[-1])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", says
    server.shutdown()


@pytest.fixture
def app(settings: Settings, filled: Database, label_studio: tuple[str, list[HTTPStatus]]) -> Flask:
    given = {**NOBODY_THERE, "label_studio_url": label_studio[0]}
    return create_app(settings.model_copy(update=given))


@pytest.mark.parametrize(
    ("status", "key", "told"),
    [
        (HTTPStatus.OK, "general", False),
        (HTTPStatus.BAD_GATEWAY, "general", True),
        (HTTPStatus.BAD_GATEWAY, "empty", False),  # it is not connected
    ],
)
def test_a_label_studio_that_is_away_is_told_where_it_matters(
    sign_in: SignIn,
    label_studio: tuple[str, list[HTTPStatus]],
    status: HTTPStatus,
    key: str,
    told: bool,
) -> None:
    label_studio[1].append(status)
    page = sign_in("curator").get(f"/projects/{key}").text
    assert (AWAY in page) == told
    assert "Redis does not answer" in page


def test_where_none_is_configured_none_is_away(settings: Settings, filled: Database) -> None:
    with create_app(settings.model_copy(update=NOBODY_THERE)).app_context():
        assert service_states().label_studio is None
