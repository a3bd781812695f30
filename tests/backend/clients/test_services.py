"""No page waits for a service that hangs, and none is told what is long past."""

import threading
import time
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from backend.clients import services
from backend.clients.queue import JobQueue
from backend.clients.services import Services

NOBODY = "http://127.0.0.1:9"  # the discard port


class LabelStudio:
    """Answers its health check with `status`, as soon as it `goes_on`."""

    def __init__(self) -> None:
        self.status = 200
        self.goes_on = threading.Event()
        self.goes_on.set()

    def answer(self, _request: Request) -> Response:
        self.goes_on.wait(10)
        return Response(status=self.status)


@pytest.fixture
def label_studio() -> LabelStudio:
    return LabelStudio()


@pytest.fixture
def asked(label_studio: LabelStudio) -> Iterator[Services]:
    server = make_server("127.0.0.1", 0, Request.application(label_studio.answer), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Services(JobQueue("redis://127.0.0.1:9"), NOBODY, f"http://127.0.0.1:{server.port}")
    label_studio.goes_on.set()
    server.shutdown()


def test_an_answer_that_is_not_fresh_is_renewed_behind_the_page(
    asked: Services, label_studio: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "ANSWER_TIMEOUT", 10.0)
    assert asked.states().label_studio
    label_studio.status = 502
    assert asked.states().label_studio  # fresh: nobody was asked
    monkeypatch.setattr(services, "FRESH_SECONDS", 0.0)
    label_studio.goes_on.clear()
    assert [asked.states().label_studio for _ in range(3)] == [True] * 3  # and none of them waits
    label_studio.goes_on.set()
    for _ in range(1000):
        if not asked.states().label_studio:
            break
        time.sleep(0.01)
    assert asked.states().label_studio is False


def test_an_answer_that_is_old_is_renewed_at_once(
    asked: Services, label_studio: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked.states().label_studio
    label_studio.status = 502
    monkeypatch.setattr(services, "OLD_SECONDS", 0.0)
    states = asked.states()
    assert (states.label_studio, states.redis, states.tagger_error == "") == (False, False, False)
