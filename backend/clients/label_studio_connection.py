"""One authenticated connection to Label Studio: time-outs, retries and errors, in one place.

Authentication (personal access tokens and legacy ones) is label-studio-sdk's. Its two habits that
would hurt us are turned off: a default time-out of its own, and retrying requests that are not
safe to repeat. Here GET, PATCH and DELETE are tried again twice after a refused connection, 408,
409, 429 and 5xx; a POST never is, because an import that was stored and whose answer was lost
would be stored again. After a LabelStudioDownError from a POST, ask Label Studio what is there.

Importing the SDK takes more than a second and 50 MB, so that happens with the first request: a
web process that only takes webhooks never pays for it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from backend.errors import LabelStudioDownError, LabelStudioError

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio as Sdk

SAFE_TO_REPEAT = frozenset({"GET", "PATCH", "DELETE"})
RETRIES = 2
PASSING = frozenset({408, 429})  # with every 5xx: may succeed later


class Connection:
    """A lazily opened connection; safe to share between threads."""

    def __init__(self, url: str, api_key: str, *, timeout: float):
        self.url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout

    @cached_property
    def sdk(self) -> "Sdk":
        """The SDK's client; it retries nothing unless told so for one request."""
        from label_studio_sdk import LabelStudio as Sdk  # noqa: PLC0415 - see the module's docstring

        with translated_errors(self.url):
            return Sdk(  # type: ignore[no-untyped-call]
                base_url=self.url + "/",  # without the slash the SDK loses a path in the address
                api_key=self._api_key,
                max_retries=0,
                timeout=self._timeout,
                httpx_client=httpx.Client(timeout=self._timeout, follow_redirects=True),
            )

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float = 0,
        missing: bool = False,
    ) -> Any:
        """Send one request and give the answer's JSON, None where it has no content.

        `timeout` in seconds is for calls known to take long; the usual one is the least. With
        `missing`, an answer of 404 is None too.

        Raises LabelStudioError with the status of a refusal, LabelStudioDownError when the
        server is unreachable, too slow, overloaded or broken.
        """
        client = self.sdk._client_wrapper.httpx_client
        retries = RETRIES if method in SAFE_TO_REPEAT else 0
        with translated_errors(self.url):
            response = client.request(
                path,
                method=method,
                params=dict(params or {}),
                json=body,
                headers={"content-type": "application/json"} if body is not None else None,
                request_options={
                    "max_retries": retries,
                    "timeout": max(timeout, self._timeout),
                },
            )
        if missing and response.status_code == 404:
            return None
        if response.is_error:
            raise refusal(f"{method} {path}", response.status_code, response.text)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise LabelStudioError(
                f"{method} {path}: the answer is not JSON; is {self.url} a Label Studio?"
            ) from None


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Turn the errors of httpx and of the SDK into ours."""
    from label_studio_sdk.core.api_error import ApiError  # noqa: PLC0415 - as above

    try:
        yield
    except httpx.TimeoutException as error:
        raise LabelStudioDownError(
            f"Label Studio at {url} did not answer in time ({type(error).__name__})"
        ) from error
    except httpx.HTTPError as error:
        raise LabelStudioDownError(f"Label Studio at {url} cannot be reached: {error}") from error
    except ApiError as error:
        raise refusal("request", error.status_code or 0, str(error.body)) from error
    except ValueError as error:  # a proxy's page, or another server altogether
        raise LabelStudioDownError(
            f"what {url} answered is not JSON: it is down, or no Label Studio"
        ) from error


def refusal(request: str, status: int, body: str) -> LabelStudioError:
    """The error for an answer's status; the body is cut, and never holds a secret of ours.

    Behind "::" Label Studio repeats the task that it refuses, whose text belongs in no log.
    """
    if status == 401:
        return LabelStudioError("Label Studio refuses LABEL_STUDIO_API_KEY", status=status)
    said = body.partition(" :: ")[0][:500]
    message = f"Label Studio answered {status} to {request}: {said}"
    if status >= 500 or status in PASSING:
        return LabelStudioDownError(message, status=status)
    return LabelStudioError(message, status=status)
