"""The API as a blueprint: who asks is known, the request is read, the operation answers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import TypeAdapter

from backend.api.rest.asking import caller
from backend.api.rest.once import once
from backend.api.rest.openapi import openapi
from backend.api.rest.operation import Operation
from backend.api.rest.problem import problem, problem_of
from backend.db.api_tokens import caller_of, note_use, use_is_worth_noting
from backend.db.members import may_open
from backend.db.scopes import ROLE_OF_SCOPE, Scope
from backend.errors import DatabaseBusyError, NotFoundError
from backend.opened import opened

ROOT = "/api/v1"
LARGEST_FILE = 256 * 1024 * 1024  # bytes; what is larger is imported by the command
DOCUMENT = "goldloop.openapi"  # the extension that holds the OpenAPI document


def rest_blueprint(operations: Sequence[Operation], permissions: Mapping[str, object]) -> Blueprint:
    """The API of these operations; `permissions` holds the scope of each endpoint.

    An operation that is not in the table is open to nobody.
    """
    rest = Blueprint("rest", __name__, url_prefix=ROOT)
    scopes = {one.name: _scope(permissions, one) for one in operations}
    known = [one for one in operations if scopes[one.name] is not None]
    document = openapi(known, {name: scope for name, scope in scopes.items() if scope is not None})
    for one in operations:
        view = _view(one, scopes[one.name])
        rest.add_url_rule(one.rule, one.name, view, methods=[one.method])
    rest.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    rest.record_once(lambda state: state.app.extensions.update({DOCUMENT: document}))
    rest.register_error_handler(Exception, problem_of)
    return rest


def _view(operation: Operation, scope: Scope | None) -> Callable[..., ResponseReturnValue]:
    kind = None if operation.download else TypeAdapter(operation.answer)

    def view(**path: str) -> ResponseReturnValue:
        refused = _refusal(scope)
        if refused is not None:
            return refused
        if operation.takes_file:
            request.max_content_length = LARGEST_FILE
        arguments = operation.arguments(request, path)

        def act() -> Response:
            return _response(operation, kind, operation.function(**arguments))

        return once(opened(), operation, request, caller().token_id, act)

    return view


def _response(operation: Operation, kind: TypeAdapter[Any] | None, answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    assert kind is not None
    response = Response(kind.dump_json(answer), mimetype="application/json")
    response.status_code = operation.status
    return response


def _refusal(scope: Scope | None) -> Response | None:
    """Why the program may not do it, None where it may; who it is is kept for this request."""
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    with opened().database.read() as session:
        found = caller_of(session, shown.strip()) if kind.lower() == "bearer" and shown else None
    if found is None:
        return problem(401, "show an API token that is live: Authorization: Bearer gl_…")
    if scope is None:
        return problem(403, "this operation is open to nobody")
    if scope not in found.scopes:
        needed = f"this needs the scope {scope} and the role {ROLE_OF_SCOPE[scope]}"
        return problem(403, needed)
    key = (request.view_args or {}).get("key")
    if key is not None:
        with opened().database.read() as session:
            if not may_open(session, key, found.role, found.account_id):
                return problem(404, str(NotFoundError("project", key)))
    if use_is_worth_noting(found):
        with suppress(DatabaseBusyError), opened().database.write() as session:
            note_use(session, found.token_id)
    g.caller = found
    return None


def _scope(permissions: Mapping[str, object], operation: Operation) -> Scope | None:
    found = permissions.get(f"rest.{operation.name}")
    return found if isinstance(found, Scope) else None
