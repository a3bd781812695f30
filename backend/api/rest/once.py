"""Idempotency keys: an action that is asked for twice under one key is done once.

The key and the request's hash are committed before the action begins, so that of two requests at
once only one acts; the answer is committed after it. A request that died between the two leaves a
key without an answer: it may be tried again once it cannot be running any more.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Request, Response, current_app
from sqlalchemy.exc import IntegrityError

from backend.api.rest.operation import Operation
from backend.context import Context
from backend.db.tables import now
from backend.db.tables_of_access import IdempotencyKey
from backend.errors import ConflictError, InvalidInputError

HEADER = "Idempotency-Key"
LONGEST = 100
DIED_AFTER = timedelta(minutes=10)


def once(
    context: Context,
    operation: Operation,
    request: Request,
    token_id: int,
    act: Callable[[], Response],
) -> Response:
    """The action's answer: of now, or of the first time that this key asked for it.

    Raises ConflictError while the first is under way, InvalidInputError for a key that was used
    for another request.
    """
    key = request.headers.get(HEADER, "")
    if not key or not operation.acts:
        return act()
    if len(key) > LONGEST or not key.isascii() or not key.isprintable():
        raise InvalidInputError(f"{HEADER} is at most {LONGEST} printable ASCII characters")
    kept = _take(context, token_id, key, _hash(request))
    if kept is not None:
        return _again(operation, kept)
    try:
        response = act()
    except Exception:
        _drop(context, token_id, key)
        raise
    answer = None if operation.secret else response.get_json(silent=True)
    _keep(context, token_id, key, response.status_code, answer)
    return response


def _take(context: Context, token_id: int, key: str, request_hash: str) -> IdempotencyKey | None:
    """Note a key; the row of the one who noted it before, None for the first."""
    try:
        with context.database.write() as session:
            row = session.get(IdempotencyKey, (token_id, key), with_for_update=True)
            if row is None:
                row = IdempotencyKey(token_id=token_id, key=key, request_hash=request_hash)
                session.add(row)
                return None
            if row.request_hash != request_hash:
                raise InvalidInputError(f"this {HEADER} was used for another request")
            if row.status is not None:
                return row
            if now() - row.created_at < DIED_AFTER:
                raise ConflictError(f"the first request with this {HEADER} is under way")
            row.created_at = now()
            return None
    except IntegrityError:
        raise ConflictError(f"the first request with this {HEADER} is under way") from None


def _again(operation: Operation, kept: IdempotencyKey) -> Response:
    if operation.secret:
        raise ConflictError("it was done at the first request; its answer held a secret")
    response = Response(
        current_app.json.dumps(kept.answer), kept.status, mimetype="application/json"
    )
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _keep(context: Context, token_id: int, key: str, status: int, answer: Any) -> None:
    with context.database.write() as session:
        row = session.get(IdempotencyKey, (token_id, key), with_for_update=True)
        if row is not None:
            row.status, row.answer = status, answer


def _drop(context: Context, token_id: int, key: str) -> None:
    """Nothing was done: the same key may try again."""
    with context.database.write() as session:
        row = session.get(IdempotencyKey, (token_id, key), with_for_update=True)
        if row is not None:
            session.delete(row)


def _hash(request: Request) -> str:
    head = f"{request.method} {request.full_path} ".encode()
    return hashlib.sha256(head + request.get_data()).hexdigest()
