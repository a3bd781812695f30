"""Where Label Studio delivers: the event is stored in one transaction, then answered.

Label Studio waits for the answer inside the annotator's own request, for a second at most, and
never delivers again. So nothing else happens here; `backend.jobs.drain_inbox` does the work.

Answers: 200 stored; 401 the secret is missing or wrong; 404 no such project; 413 too large;
400 not JSON; 422 JSON that is no event. What is refused after the secret was right is kept too.
"""

import hmac
import logging
import re
from typing import Any

import orjson
from flask import Blueprint, Flask, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from backend.api.bell import Bell
from backend.api.inbox_writer import Delivery, InboxWriter
from backend.clients.label_studio_wiring import WEBHOOK_ACTIONS
from backend.context import Context
from backend.db.tables import InboxState
from backend.opened import opened, opened_by

LARGEST = 64 * 1024 * 1024  # bytes: an import of 500 long tasks is delivered whole
KEPT_OF_GARBAGE = 2000  # characters
DRAIN_JOB = "backend.jobs.drain_inbox"

log = logging.getLogger(__name__)

webhooks = Blueprint("webhooks", __name__)


@webhooks.record_once
def _open(state: Any) -> None:
    app: Flask = state.app
    context = opened_by(app)
    app.extensions["goldloop_inbox"] = InboxWriter(context.database)
    app.extensions["goldloop_bell"] = Bell(context.queue, DRAIN_JOB)


@webhooks.post("/webhooks/<project_key>")
def receive(project_key: str) -> ResponseReturnValue:
    """Store one delivery."""
    if not _authentic(opened()):
        return _refusal("the secret is missing or wrong", 401)
    request.max_content_length = LARGEST
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return _refusal(f"more than {LARGEST} bytes", 413)
    payload, status, reason = read_event(body)
    stored = current_app.extensions["goldloop_inbox"].store(
        Delivery(
            project_key,
            action=payload["action"] if status == 200 else "",
            payload=payload,
            state=InboxState.NEW if status == 200 else InboxState.REFUSED,
            reason=reason,
        )
    )
    if stored is None:
        return _refusal("no such project", 404)
    if status != 200:
        log.warning("event=webhook_refused project=%s reason=%r", project_key, reason)
        return _refusal(reason, status)
    current_app.extensions["goldloop_bell"].ring()
    return jsonify(stored=stored)


def read_event(body: bytes) -> tuple[dict[str, Any], int, str]:
    """What to store of a body, the status to answer, and the reason where it is refused."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _garbage(body.decode("utf-8", "replace")), 400, f"not JSON: {error}"[:500]
    if isinstance(payload, dict) and isinstance(payload.get("project"), dict):
        payload["project"].pop("token", None)  # a secret of Label Studio's
    wrong = _what_is_wrong(payload)
    if wrong:
        return _garbage(orjson.dumps(payload).decode()), 422, wrong
    return payload, 200, ""


def _what_is_wrong(payload: Any) -> str:
    """Why a payload is no event, empty when it is one."""
    if not isinstance(payload, dict):
        return f"expected an object, got {type(payload).__name__}"
    action = payload.get("action")
    if not isinstance(action, str) or action not in WEBHOOK_ACTIONS:
        return f"unknown action {action!r:.100}"
    key = action.split("_", 1)[0].lower()
    if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED"):
        key = "annotation"
    subject = payload.get(key)
    items = subject if isinstance(subject, list) else [subject]
    if not items or not all(isinstance(item, dict) for item in items):
        return f"{action} without {key}"
    return ""


def _authentic(context: Context) -> bool:
    context.settings.require("webhook_secret")
    expected = f"Bearer {context.settings.webhook_secret.get_secret_value()}"
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), expected.encode())


def _garbage(raw: str) -> dict[str, Any]:
    """The beginning of what came; whatever looks like a token is blanked, NUL is dropped."""
    blanked = re.sub(r'("token"\s*:\s*)"[^"]*"?', r'\1"…"', raw[:KEPT_OF_GARBAGE])
    return {"raw": blanked.replace("\x00", "")}


def _refusal(reason: str, status: int) -> ResponseReturnValue:
    return jsonify(error=reason), status
