"""The OpenAPI 3.1 document, made from the operations: pydantic gives the schemas."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from backend.api.rest.once import HEADER, LONGEST
from backend.api.rest.operation import Operation
from backend.api.rest.problem import MEDIA_TYPE, Problem
from backend.db.scopes import WHAT_SCOPES_ALLOW, Scope

REFS = "#/components/schemas/{model}"
REFUSALS = {
    401: "no token, or one that is worth nothing any more",
    403: "the token lacks the scope, or its account the role",
    404: "there is no such thing",
    409: "the present state forbids it",
    413: "the body is too large",
    422: "the request does not fit",
    502: "Label Studio, the ML backend or Redis refused, or cannot be reached",
    503: "the database is busy, or a setting is missing: try again later",
}


def openapi(operations: Sequence[Operation], scopes: Mapping[str, Scope]) -> dict[str, Any]:
    """The document; `scopes` says for each operation's name what a token needs."""
    schemas, refs = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        told = _operation(operation, scopes[operation.name], schemas, refs)
        paths.setdefault(operation.path, {})[operation.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Goldloop",
            "version": "1",
            "description": "All that the pages can do. Every error has one shape, and its "
            "sentences are English; lists are paged by `after`; an action that is asked for twice "
            "under one idempotency key is done once.",
        },
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token. Its scopes: "
                    + "; ".join(f"`{scope}`: {WHAT_SCOPES_ALLOW[scope]}" for scope in Scope),
                }
            },
        },
    }


_Refs = Mapping[tuple[str, JsonSchemaMode], dict[str, Any]]  # "Problem", or an operation's name


def _schemas(operations: Sequence[Operation]) -> tuple[dict[str, Any], _Refs]:
    asked = [
        (one.name, "validation", TypeAdapter(one.body))
        for one in operations
        if one.body is not None
    ]
    told = [
        (one.name, "serialization", TypeAdapter(one.answer))
        for one in operations
        if one.download is None
    ]
    queries = [
        (_query_name(one), "validation", TypeAdapter(one.query))
        for one in operations
        if one.query is not None
    ]
    problem = ("Problem", "serialization", TypeAdapter(Problem))
    inputs: list[Any] = [problem, *asked, *told, *queries]
    refs, found = TypeAdapter.json_schemas(inputs, ref_template=REFS)
    return found.get("$defs", {}), refs


def _operation(
    operation: Operation, scope: Scope, schemas: Mapping[str, Any], refs: _Refs
) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(operation.function) or "").partition("\n")
    query = _query(operation, schemas, refs)
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "description": rest.strip(),
        "security": [{"token": [scope.value]}],
        "parameters": [*_path(operation), *query, *_key(operation)],
        "responses": {
            str(operation.status): _answer(operation, refs),
            **{str(status): _refusal(why, refs) for status, why in REFUSALS.items()},
        },
    }
    if operation.body is not None:
        schema = refs[operation.name, "validation"]
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if operation.takes_file:
        told["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {}}},
        }
    return told


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": TypeAdapter(kind).json_schema(),
        }
        for name, kind in operation.parameters.items()
    ]


def _query_name(operation: Operation) -> str:
    return f"{operation.name}?"


def _query(operation: Operation, schemas: Mapping[str, Any], refs: _Refs) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    ref = refs[_query_name(operation), "validation"]["$ref"]
    schema = schemas[ref.rpartition("/")[2]]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": its.get("description", ""),
            "schema": _without_null(its),
        }
        for name, its in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query's parameter is left out rather than null."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**rest, **options[0]}


def _key(operation: Operation) -> list[dict[str, Any]]:
    if not operation.acts:
        return []
    return [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "the same key never does the same twice: it gets the first answer again",
            "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST}}}$"},
        }
    ]


def _answer(operation: Operation, refs: _Refs) -> dict[str, Any]:
    if operation.download is not None:
        return {"description": "the file", "content": {operation.download.media_type: {}}}
    schema = refs[operation.name, "serialization"]
    return {"description": "done", "content": {"application/json": {"schema": schema}}}


def _refusal(why: str, refs: _Refs) -> dict[str, Any]:
    return {
        "description": why,
        "content": {MEDIA_TYPE: {"schema": refs["Problem", "serialization"]}},
    }
