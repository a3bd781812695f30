"""Whether the other processes are alive, asked at most every few seconds and never for long."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from redis.exceptions import RedisError

from backend.clients.queue import JobQueue
from backend.clients.tagger import MlBackend
from backend.errors import TaggerError

FRESH_SECONDS, OLD_SECONDS = 3.0, 15.0
ANSWER_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class ServiceStates:
    """What answered when it was last asked."""

    redis: bool = False
    workers: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    tagger_error: str = ""  # why the ML backend did not answer, empty when it did
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    label_studio: bool | None = None  # None: none is configured

    @property
    def idle_queues(self) -> list[str]:
        """Queues that nobody works on."""
        return [name for name, number in self.workers.items() if not number] if self.redis else []

    def loaded(self, project_key: str) -> str | None:
        """The version that the ML backend serves for a project."""
        return (self.projects.get(project_key) or {}).get("loaded")

    def load_error(self, project_key: str) -> str | None:
        """Why the ML backend could not load the champion, None when it could."""
        return (self.projects.get(project_key) or {}).get("error")


class Services:
    """Asks each of them, one thread at a time; the others take the last answer meanwhile."""

    def __init__(self, queue: JobQueue, ml_backend_url: str, label_studio_url: str):
        self._queue = queue
        self._tagger = MlBackend(ml_backend_url, timeout=ANSWER_TIMEOUT)
        self._label_studio = label_studio_url
        self._asking = threading.Lock()
        self._last: ServiceStates | None = None
        self._asked_at = 0.0

    def states(self) -> ServiceStates:
        """The last answer: renewed behind the page when it is not fresh, at once when it is old."""
        if self._asking.acquire(blocking=self._last is None):
            age = time.monotonic() - self._asked_at
            if self._last is None or age > OLD_SECONDS:
                self._renew()
            elif age > FRESH_SECONDS:
                threading.Thread(target=self._renew, daemon=True).start()
            else:
                self._asking.release()
        assert self._last is not None
        return self._last

    def _renew(self) -> None:
        """Ask, and let others ask; whoever calls this holds the lock."""
        try:
            self._last = self._ask()
            self._asked_at = time.monotonic()
        finally:
            self._asking.release()

    def _ask(self) -> ServiceStates:
        try:
            workers, waiting, redis = self._queue.workers(), self._queue.counts(), True
        except RedisError:
            workers, waiting, redis = {}, {}, False
        try:
            projects, tagger_error = self._tagger.health()["projects"], ""
        except TaggerError as error:
            projects, tagger_error = {}, str(error)
        label_studio = _is_up(self._label_studio) if self._label_studio else None
        return ServiceStates(redis, workers, waiting, tagger_error, projects, label_studio)


def _is_up(label_studio_url: str) -> bool:
    address = f"{label_studio_url.rstrip('/')}/health"
    try:
        return httpx.get(address, timeout=ANSWER_TIMEOUT).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
