"""The ML backend as the application sees it: is it up, and which version does it serve?"""

import time
from typing import Any

import httpx

from backend.errors import TaggerDownError, TaggerError

POLL_EVERY = 0.1  # seconds


class MlBackend:
    """A small client of the ML backend's own `/health`; every call has a timeout."""

    def __init__(self, url: str, *, timeout: float = 5.0):
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=timeout)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def health(self) -> dict[str, Any]:
        """`{"status", "projects": {key: {"champion", "loaded", "error"}}}`.

        Raises TaggerDownError when it cannot be reached, TaggerError when it answers otherwise.
        """
        address = f"{self._url}/health"
        try:
            response = self._client.get(address)
        except httpx.TransportError as error:
            raise TaggerDownError(
                f"the ML backend at {self._url} does not answer: {error}"
            ) from error
        if response.status_code in (502, 503, 504):
            raise TaggerDownError(f"the ML backend at {self._url} answers {response.status_code}")
        try:
            health = response.raise_for_status().json()
        except (httpx.HTTPStatusError, ValueError) as error:
            raise TaggerError(f"{address} is not an ML backend of ours: {error}") from error
        if not isinstance(health, dict) or not isinstance(health.get("projects"), dict):
            raise TaggerError(f"{address} is not an ML backend of ours: it names no projects")
        return health

    def wait_loaded(self, project_key: str, version: str, timeout: float) -> None:
        """Return once the project is served by `version`.

        Raises TaggerError when the ML backend says that it could not load it, or has not loaded
        it within `timeout` seconds; TaggerDownError when it did not answer to the end.
        """
        deadline = time.monotonic() + timeout
        while True:
            down: TaggerDownError | None = None
            status: dict[str, Any] = {}
            try:
                status = self.health()["projects"].get(project_key) or {}
            except TaggerDownError as error:
                down = error
            if status.get("loaded") == version:
                return
            if status.get("champion") == version and status.get("error"):
                raise TaggerError(f"{project_key} {version} was not loaded: {status['error']}")
            if time.monotonic() >= deadline:
                raise down or TaggerError(
                    f"{project_key} is served by {status.get('loaded')}, "
                    f"not by {version}, after {timeout:g} s"
                )
            time.sleep(POLL_EVERY)
