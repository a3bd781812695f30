"""A look at a connection says what is wrong with it, part by part, and changes nothing."""

import threading
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from backend.admin.words.connection_words import WHAT_TO_DO as IN_WORDS
from backend.clients.label_studio import LabelStudio
from backend.clients.tagger import MlBackend
from backend.db.tables import now
from backend.errors import LabelStudioDownError, LabelStudioError, TaggerDownError
from backend.workflow.label_studio.connect import connect, make_label_studio_project, webhook_url
from backend.workflow.label_studio.connection_check import (
    WHAT_TO_DO,
    Part,
    Trouble,
    check_connection,
)
from tests.conftest import settings_in

CONFIG = (
    '<View><Labels name="l" toName="t"><Label value="PER"/></Labels><Text name="t" value="$text"/>'
    "</View>"
)

MADE = "2026-01-02T03:04:05Z"


def project(number: int | None = 7, *, connected: bool = True, **its: object) -> SimpleNamespace:
    writable = number if connected else None
    known = {"label_studio_since": MADE, "last_event_at": None, "connected_at": now(), **its}
    return SimpleNamespace(key="p", label_studio_id=number, writable_id=writable, **known)


class FakeLabelStudio:
    """A Label Studio as it should be; each test breaks a part."""

    def __init__(self, settings):
        url = webhook_url(settings, "p")
        secret = f"Bearer {settings.webhook_secret.get_secret_value()}"
        self.hooks = [{"url": url, "is_active": True, "headers": {"Authorization": secret}}]
        self.backends = [{"title": "goldloop-p", "state": "CO", "url": "http://127.0.0.1:9090/p/p"}]
        self.refusal: LabelStudioError | None = None
        self.gone, self.tasks, self.made = False, 3, MADE
        self.wiring = SimpleNamespace(
            ml_backends=lambda number: self.backends, webhooks=lambda number: self.hooks
        )

    def check(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def project(self, number: int) -> dict[str, str | int]:
        if self.gone:
            raise LabelStudioError("gone", status=404)
        return {"title": "시험", "task_number": self.tasks, "created_at": self.made}


@pytest.fixture
def settings(tmp_path):
    given = {"label_studio_url": "http://labels.example.com", "label_studio_api_key": "t"}
    return settings_in(tmp_path, **given)


@pytest.fixture
def studio(settings):
    return FakeLabelStudio(settings)


def look(studio, settings, *, of=None, health=lambda: {}) -> dict[Part, Trouble | bool | None]:
    backend = SimpleNamespace(health=health)
    found = check_connection(studio, backend, settings, of or project())
    assert [one.part for one in found] == list(Part)
    assert all(bool(one.what_to_do) == (one.right is False) for one in found)
    return {one.part: one.trouble or one.right for one in found}


def down() -> dict[str, object]:
    raise TaggerDownError("nobody there")


def test_all_is_right(studio, settings) -> None:
    assert set(look(studio, settings).values()) == {True}


@pytest.mark.parametrize(
    ("error", "part", "trouble"),
    [
        (LabelStudioDownError("refused"), Part.ADDRESS, Trouble.UNREACHABLE),
        (LabelStudioError("a page", status=404), Part.ADDRESS, Trouble.NO_LABEL_STUDIO),
        (LabelStudioError("no", status=401), Part.TOKEN, Trouble.TOKEN_REFUSED),
    ],
)
def test_address_and_token_are_told_apart(studio, settings, error, part, trouble) -> None:
    studio.refusal = error
    found = look(studio, settings)
    assert found[part] == trouble
    after = list(found.values())[list(Part).index(part) + 1 :]
    assert set(after) == {None}


def test_what_is_not_set_is_told(studio, tmp_path) -> None:
    assert look(studio, settings_in(tmp_path))[Part.ADDRESS] == Trouble.NO_ADDRESS
    only_address = settings_in(tmp_path, label_studio_url="http://labels.example.com")
    assert look(studio, only_address)[Part.TOKEN] == Trouble.NO_TOKEN


def test_the_project_there(studio, settings) -> None:
    assert look(studio, settings, of=project(None))[Part.PROJECT] == Trouble.NOT_MADE
    adopted = look(studio, settings, of=project(connected=False))
    assert adopted[Part.PROJECT] == Trouble.ONLY_ADOPTED
    studio.made = "2026-02-03T04:05:06Z"  # of another server
    assert look(studio, settings)[Part.PROJECT] == Trouble.PROJECT_GONE
    studio.gone = True
    assert look(studio, settings)[Part.PROJECT] == Trouble.PROJECT_GONE


def test_a_backend_that_only_we_reach_is_blocked_or_out_of_reach(studio, settings) -> None:
    studio.backends[0]["state"] = "DI"
    assert look(studio, settings)[Part.ML_BACKEND] == Trouble.LOOPBACK_BLOCKED
    assert look(studio, settings, health=down)[Part.ML_BACKEND] == Trouble.ML_BACKEND_DOWN
    for local in ("http://10.1.2.3:9090", "http://tagger:9090", "http://[::1]:9090"):
        studio.backends[0]["url"] = local
        assert look(studio, settings)[Part.ML_BACKEND] == Trouble.LOOPBACK_BLOCKED
    studio.backends[0]["url"] = "https://tagger.example.com"
    found = look(studio, settings)
    assert found[Part.ML_BACKEND] == Trouble.ML_BACKEND_REFUSED
    assert found[Part.HOOK] is True  # looked at all the same


def test_backends_are_attached_once(studio, settings) -> None:
    studio.backends *= 2
    assert look(studio, settings)[Part.ML_BACKEND] == Trouble.ATTACHED_TWICE
    studio.backends = [{"title": "another's", "state": "CO", "url": "http://x"}]
    assert look(studio, settings)[Part.ML_BACKEND] == Trouble.NOT_ATTACHED


@pytest.mark.parametrize(
    ("changed", "trouble"),
    [
        ({"url": "http://old.example.com/webhooks/p"}, Trouble.HOOK_ELSEWHERE),
        ({"is_active": False}, Trouble.HOOK_OFF),
        ({"headers": {"Authorization": "Bearer old"}}, Trouble.HOOK_SECRET),
        ({"headers": None}, Trouble.HOOK_SECRET),
        ({"url": "https://chat.example.com/x"}, Trouble.NO_HOOK),
    ],
)
def test_the_hook_is_ours_alive_and_trusted(studio, settings, changed, trouble) -> None:
    studio.hooks[0] |= changed
    assert look(studio, settings)[Part.HOOK] == trouble


def test_a_hook_that_never_delivered_is_told(studio, settings) -> None:
    early = now() - timedelta(hours=3)
    silent, heard = project(connected_at=early), project(connected_at=early, last_event_at=early)
    assert look(studio, settings, of=silent)[Part.HOOK] == Trouble.HOOK_SILENT
    assert look(studio, settings, of=heard)[Part.HOOK] is True
    studio.tasks = 0
    assert look(studio, settings, of=silent)[Part.HOOK] is True


def test_a_duplicate_hook_is_told(studio, settings) -> None:
    studio.hooks.append({**studio.hooks[0], "url": "http://127.0.0.1:9090/p/p/webhook"})
    assert look(studio, settings)[Part.HOOK] == Trouble.HOOK_TWICE


def test_the_page_says_in_english_what_the_stage_says() -> None:
    assert {trouble: str(said) for trouble, said in IN_WORDS.items()} == WHAT_TO_DO
    assert set(WHAT_TO_DO) == set(Trouble)


class Answering(BaseHTTPRequestHandler):
    """As much of an ML backend as Label Studio asks for when it is attached."""

    def do_GET(self) -> None:
        body = b'{"status": "UP", "projects": {}, "model_version": "v1"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *ignored: object) -> None:
        pass


@pytest.mark.real
def test_a_real_label_studio_is_looked_at(label_studio, tmp_path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = settings_in(
        tmp_path,
        label_studio_url=label_studio.url,
        label_studio_api_key=label_studio.api_key,
        ml_backend_url=f"http://127.0.0.1:{server.server_port}",
    )
    client = LabelStudio(label_studio.url, label_studio.api_key, timeout=30)
    number = make_label_studio_project(client, key="p", name="시험", label_config=CONFIG)
    ours = project(number, label_studio_since=client.project(number)["created_at"])
    with closing(MlBackend(settings.ml_backend_url, timeout=2)) as backend:

        def troubles(studio: LabelStudio = client) -> list[Trouble | bool | None]:
            looked = check_connection(studio, backend, settings, ours)
            return [one.trouble or one.right for one in looked]

        assert troubles() == [True, True, True, Trouble.NOT_ATTACHED, Trouble.NO_HOOK]
        connect(client, settings, key="p", label_studio_id=number, champion=None)
        assert troubles() == [True] * 5
        client.wiring._connection.sdk.webhooks.create(
            project=number, url=f"{settings.ml_backend_url}/p/p/webhook", is_active=True
        )
        assert troubles()[-1] == Trouble.HOOK_TWICE
        server.shutdown()
        server.server_close()
        assert troubles()[-2] == Trouble.ML_BACKEND_DOWN
    refused = LabelStudio(label_studio.url, "wrong", timeout=5)
    assert troubles(refused) == [True, Trouble.TOKEN_REFUSED, None, None, None]
    nobody = LabelStudio("http://127.0.0.1:9", "t", timeout=1)
    assert troubles(nobody)[0] == Trouble.UNREACHABLE
