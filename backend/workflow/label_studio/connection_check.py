"""Is a project connected with Label Studio as it should be? Each part of it, and what is wrong.

Nothing is changed anywhere. A part that cannot be looked at because of one before it is unknown.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from backend.clients.label_studio import LabelStudio
from backend.clients.label_studio_wiring import is_our_hook
from backend.clients.tagger import MlBackend
from backend.db.tables import Project, now
from backend.errors import LabelStudioDownError, LabelStudioError, TaggerError
from backend.settings import Settings
from backend.workflow.label_studio.connect import find_project, title_of_backend, webhook_url

CONNECTED = "CO"  # what Label Studio calls an ML backend that answers
SILENCE = timedelta(hours=2)  # without a delivery while there are tasks: too long


class Part(StrEnum):
    """What a connection consists of, in the order in which it is looked at."""

    ADDRESS = "address"
    TOKEN = "token"  # noqa: S105 - the name of a part
    PROJECT = "project"
    ML_BACKEND = "ml_backend"
    HOOK = "hook"


class Trouble(StrEnum):
    """What may be wrong with a part."""

    NO_ADDRESS = "no_address"
    UNREACHABLE = "unreachable"
    NO_LABEL_STUDIO = "no_label_studio"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a trouble
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a trouble
    NOT_MADE = "not_made"
    PROJECT_GONE = "project_gone"
    ONLY_ADOPTED = "only_adopted"
    NOT_ATTACHED = "not_attached"
    ATTACHED_TWICE = "attached_twice"
    ML_BACKEND_DOWN = "ml_backend_down"
    LOOPBACK_BLOCKED = "loopback_blocked"
    ML_BACKEND_REFUSED = "ml_backend_refused"
    NO_HOOK = "no_hook"
    HOOK_TWICE = "hook_twice"
    HOOK_ELSEWHERE = "hook_elsewhere"
    HOOK_OFF = "hook_off"
    HOOK_SECRET = "hook_secret"  # noqa: S105 - the name of a trouble
    HOOK_SILENT = "hook_silent"


WHAT_TO_DO = {
    Trouble.NO_ADDRESS: "No Label Studio is named: set LABEL_STUDIO_URL and start again.",
    Trouble.UNREACHABLE: "Label Studio cannot be reached: see that it runs, and LABEL_STUDIO_URL.",
    Trouble.NO_LABEL_STUDIO: "What answers there is no Label Studio: mend LABEL_STUDIO_URL.",
    Trouble.NO_TOKEN: "There is no token: set LABEL_STUDIO_API_KEY and start again.",
    Trouble.TOKEN_REFUSED: "Label Studio refuses the token: make a personal access token there "
    "and set LABEL_STUDIO_API_KEY.",
    Trouble.NOT_MADE: "The project has no side in Label Studio yet: connect it.",
    Trouble.PROJECT_GONE: "The project there is gone: connecting makes a new one.",
    Trouble.ONLY_ADOPTED: "The project is only read from Label Studio: connect it to work there.",
    Trouble.NOT_ATTACHED: "Our ML backend is not attached: connecting attaches it.",
    Trouble.ATTACHED_TWICE: "Our ML backend is attached more than once: connecting leaves one.",
    Trouble.ML_BACKEND_DOWN: "The ML backend does not answer: start it, and see ML_BACKEND_URL.",
    Trouble.LOOPBACK_BLOCKED: "The ML backend answers us and not Label Studio, which blocks "
    "addresses of its own machine and network: start it with SSRF_PROTECTION_ENABLED=false and "
    "ML_BLOCK_LOCAL_IP=false.",
    Trouble.ML_BACKEND_REFUSED: "The ML backend answers us and not Label Studio: see that "
    "ML_BACKEND_URL is an address that Label Studio can reach.",
    Trouble.NO_HOOK: "Label Studio tells us nothing: connecting makes the hook.",
    Trouble.HOOK_TWICE: "Several hooks deliver each event more than once: connecting leaves one.",
    Trouble.HOOK_ELSEWHERE: "The hook delivers to another address: connecting mends it.",
    Trouble.HOOK_OFF: "The hook is switched off: connecting switches it on.",
    Trouble.HOOK_SECRET: "The hook has another secret, so that we refuse it: connecting mends it.",
    Trouble.HOOK_SILENT: "The hook is right and has never delivered anything: see that Label "
    "Studio can reach its address.",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one part found; `right` is None where it could not be looked at."""

    part: Part
    right: bool | None
    trouble: Trouble | None = None
    detail: str = ""

    @property
    def what_to_do(self) -> str:
        """A sentence, empty where nothing is wrong."""
        return WHAT_TO_DO[self.trouble] if self.trouble else ""


class _TroubleError(Exception):
    """What a look found; `ends` when the parts after it cannot be looked at."""

    def __init__(self, trouble: Trouble, detail: str = "", *, ends: bool = True):
        self.trouble, self.detail, self.ends = trouble, detail, ends
        super().__init__(trouble)


def check_connection(
    label_studio: LabelStudio, ml_backend: MlBackend, settings: Settings, project: Project
) -> list[Looked]:
    """Look at every part, in order; clients with short time-outs answer soon."""
    looks: dict[Part, Callable[[], str]] = {
        Part.ADDRESS: lambda: _address(label_studio, settings),
        Part.TOKEN: lambda: _token(label_studio, settings),
        Part.PROJECT: lambda: _project(label_studio, project),
        Part.ML_BACKEND: lambda: _ml_backend(label_studio, ml_backend, settings, project),
        Part.HOOK: lambda: _hook(label_studio, settings, project),
    }
    found: list[Looked] = []
    ended = False
    for part, look in looks.items():
        if ended:
            found.append(Looked(part, None))
            continue
        try:
            found.append(Looked(part, True, detail=look()))
        except _TroubleError as error:
            ended = error.ends
            found.append(Looked(part, False, error.trouble, error.detail))
        except LabelStudioError as error:
            ended = True
            found.append(Looked(part, False, Trouble.UNREACHABLE, str(error)))
    return found


def _address(label_studio: LabelStudio, settings: Settings) -> str:
    if not settings.label_studio_url:
        raise _TroubleError(Trouble.NO_ADDRESS)
    try:
        label_studio.check()
    except LabelStudioDownError as error:
        raise _TroubleError(Trouble.UNREACHABLE, str(error)) from error
    except LabelStudioError as error:
        if error.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise _TroubleError(Trouble.NO_LABEL_STUDIO, str(error)) from error
    return settings.label_studio_url


def _token(label_studio: LabelStudio, settings: Settings) -> str:
    if not settings.label_studio_api_key.get_secret_value():
        raise _TroubleError(Trouble.NO_TOKEN)
    try:
        label_studio.check()
    except LabelStudioError as error:
        raise _TroubleError(Trouble.TOKEN_REFUSED) from error
    return ""


def _project(label_studio: LabelStudio, project: Project) -> str:
    number = project.label_studio_id
    if number is None:
        raise _TroubleError(Trouble.NOT_MADE)
    found = find_project(label_studio, number, project.label_studio_since)
    if found is None:
        raise _TroubleError(Trouble.PROJECT_GONE, str(number))
    title = found["title"]
    if project.writable_id is None:
        raise _TroubleError(Trouble.ONLY_ADOPTED, f"{number}: {title}")
    return f"{number}: {title}"


def _ml_backend(
    label_studio: LabelStudio, ml_backend: MlBackend, settings: Settings, project: Project
) -> str:
    title = title_of_backend(project.key)
    attached = label_studio.wiring.ml_backends(_number(project))
    ours = [one for one in attached if one["title"] == title]
    if not ours:
        raise _TroubleError(Trouble.NOT_ATTACHED, ends=False)
    if len(ours) > 1:
        raise _TroubleError(Trouble.ATTACHED_TWICE, str(len(ours)), ends=False)
    if ours[0].get("state") == CONNECTED:
        return str(ours[0]["url"])
    try:
        ml_backend.health()
    except TaggerError as error:
        raise _TroubleError(Trouble.ML_BACKEND_DOWN, str(error), ends=False) from error
    trouble = Trouble.LOOPBACK_BLOCKED if _is_local(ours[0]["url"]) else Trouble.ML_BACKEND_REFUSED
    raise _TroubleError(trouble, str(ours[0].get("error_message") or ours[0]["url"]), ends=False)


def _hook(label_studio: LabelStudio, settings: Settings, project: Project) -> str:
    url = webhook_url(settings, project.key)
    hooks = label_studio.wiring.webhooks(_number(project))
    ours: list[dict[str, Any]] = [one for one in hooks if is_our_hook(one["url"], url)]
    secret = f"Bearer {settings.webhook_secret.get_secret_value()}"
    if not ours:
        raise _TroubleError(Trouble.NO_HOOK)
    if len(ours) > 1:
        raise _TroubleError(Trouble.HOOK_TWICE, str(len(ours)))
    if ours[0]["url"] != url:
        raise _TroubleError(Trouble.HOOK_ELSEWHERE, str(ours[0]["url"]))
    if not ours[0].get("is_active", True):
        raise _TroubleError(Trouble.HOOK_OFF)
    if (ours[0].get("headers") or {}).get("Authorization") != secret:
        raise _TroubleError(Trouble.HOOK_SECRET)
    if _never_heard(label_studio, project):
        raise _TroubleError(Trouble.HOOK_SILENT, url)
    return url


def silence(project: Project, tasks: int, at: datetime) -> timedelta | None:
    """For how long nothing was delivered though tasks are open there; None where it is not long."""
    heard = project.last_event_at or project.connected_at
    if heard is None or not tasks or at - heard <= SILENCE:
        return None
    return at - heard


def _never_heard(label_studio: LabelStudio, project: Project) -> bool:
    """Whether nothing was ever delivered, though tasks, which are told of, have long been there."""
    if project.last_event_at is not None or project.connected_at is None:
        return False
    tasks = label_studio.project(_number(project)).get("task_number", 0)
    return bool(tasks) and now() - project.connected_at > SILENCE


def _number(project: Project) -> int:
    assert project.label_studio_id is not None
    return project.label_studio_id


def _is_local(url: str) -> bool:
    """Whether an address is of the same machine or network: Label Studio bans those unless told."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private
