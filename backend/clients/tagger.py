"""The ML backend as the application sees it: is it up, and which version does it serve?"""

from typing import Any

import httpx

from backend.errors import TaggerDownError, TaggerError


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
