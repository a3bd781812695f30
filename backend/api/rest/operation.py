"""What an operation of the API is: a typed function, and how a request becomes its arguments.

A function's parameters say where each comes from: those that the path names, `query` (a model of
the query string), `body` (a model of the JSON body) and `file` (the body as it came). What it
returns is the answer. So the same few lines are the operation, its checks and its documentation.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from flask import Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails

from backend.errors import InvalidInputError

Function = TypeVar("Function", bound=Callable[..., Any])


class InvalidRequestError(InvalidInputError):
    """A request that does not fit its operation; `errors` name each place."""

    def __init__(self, errors: list[dict[str, str]]):
        self.errors = errors
        super().__init__("the request does not fit: see errors")


@dataclass(frozen=True)
class Download:
    """Stands, as an operation's answer, for a file of this kind."""

    media_type: str


@dataclass(frozen=True)
class Operation:
    """One method of one address. `status` is that of its answer when it worked.

    An answer with `secret` is never kept: the same idempotency key does not get it again.
    """

    function: Callable[..., Any]
    method: str
    path: str  # with {parameters}, as OpenAPI writes it
    tag: str
    status: int
    secret: bool
    download: Download | None
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the path, with their types
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    takes_file: bool = False
    answer: Any = None

    @property
    def name(self) -> str:
        """The function's; the endpoint is `rest.` and this."""
        return self.function.__name__

    @property
    def acts(self) -> bool:
        """Whether it may change something: then it takes an idempotency key."""
        return self.method != "GET"

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")

    def arguments(self, request: Request, path: Mapping[str, str]) -> dict[str, Any]:
        """The function's arguments; raises InvalidRequestError that names every mistake."""
        wrong: list[dict[str, str]] = []
        found: dict[str, Any] = {}
        for name, kind in self.parameters.items():
            found[name] = _read(
                f"path.{name}", wrong, TypeAdapter(kind).validate_python, path[name]
            )
        if self.query is not None:
            given = _query(self.query, request)
            found["query"] = _read("query", wrong, self.query.model_validate, given)
        elif request.args:
            wrong.append({"where": "query", "message": "this address takes no query"})
        if self.body is not None:
            found["body"] = _read("body", wrong, self.body.model_validate_json, request.get_data())
        if self.takes_file:
            found["file"] = request.get_data()
        if wrong:
            raise InvalidRequestError(wrong)
        return found


class Operations:
    """The operations on one noun, in the order in which the documentation tells them."""

    def __init__(self, tag: str):
        self.tag = tag
        self.all: list[Operation] = []

    def get(self, path: str, *, download: Download | None = None) -> Callable[[Function], Function]:
        """Register a function that only reads."""
        return self._register("GET", path, 200, download=download)

    def post(
        self, path: str, *, status: int = 200, secret: bool = False
    ) -> Callable[[Function], Function]:
        """Register an action."""
        return self._register("POST", path, status, secret=secret)

    def put(self, path: str) -> Callable[[Function], Function]:
        """Register a function that makes a thing what its body says."""
        return self._register("PUT", path, 200)

    def patch(self, path: str) -> Callable[[Function], Function]:
        """Register a function that changes what its body names, and nothing else."""
        return self._register("PATCH", path, 200)

    def delete(self, path: str) -> Callable[[Function], Function]:
        """Register a function that ends a thing."""
        return self._register("DELETE", path, 200)

    def _register(
        self,
        method: str,
        path: str,
        status: int,
        *,
        secret: bool = False,
        download: Download | None = None,
    ) -> Callable[[Function], Function]:
        def registered(function: Function) -> Function:
            hints = get_type_hints(function, include_extras=True)
            answer = hints.pop("return")
            names = [
                name for name in inspect.signature(function).parameters if f"{{{name}}}" in path
            ]
            self.all.append(
                Operation(
                    function,
                    method,
                    path,
                    self.tag,
                    status,
                    secret,
                    download,
                    {name: hints[name] for name in names},
                    hints.get("query"),
                    hints.get("body"),
                    "file" in hints,
                    answer,
                )
            )
            return function

        return registered


def _query(model: type[BaseModel], request: Request) -> dict[str, Any]:
    """The query string by name; a name whose field is a list keeps every value."""
    lists = {name for name, its in model.model_fields.items() if _is_list(its.annotation)}
    return {
        name: values if name in lists else values[-1]
        for name, values in request.args.to_dict(flat=False).items()
    }


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (list, tuple) or any(
        _is_list(one) for one in get_args(annotation)
    )


def _read(place: str, wrong: list[dict[str, str]], read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        wrong += [_told(place, one) for one in error.errors(include_url=False)]
        return None


def _told(place: str, error: ErrorDetails | InitErrorDetails) -> dict[str, str]:
    where = ".".join(str(part) for part in (place, *error.get("loc", ())))
    return {"where": where, "message": str(error.get("msg", "")).removeprefix("Value error, ")}
