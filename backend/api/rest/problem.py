"""The one shape of every error: RFC 9457's `application/problem+json`."""

import logging
import secrets
from http import HTTPStatus

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from backend.api.rest.operation import InvalidRequestError
from backend.errors import (
    ConflictError,
    DatabaseBusyError,
    GoldloopError,
    InvalidInputError,
    LabelStudioDownError,
    LabelStudioError,
    NotFoundError,
    QueueDownError,
    SettingsError,
    TaggerError,
)

MEDIA_TYPE = "application/problem+json"

STATUS_OF: dict[type[GoldloopError], HTTPStatus] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DatabaseBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    SettingsError: HTTPStatus.SERVICE_UNAVAILABLE,
    LabelStudioDownError: HTTPStatus.BAD_GATEWAY,
    LabelStudioError: HTTPStatus.BAD_GATEWAY,
    TaggerError: HTTPStatus.BAD_GATEWAY,
    QueueDownError: HTTPStatus.BAD_GATEWAY,
}

log = logging.getLogger(__name__)


class Mistake(BaseModel):
    """One thing that is wrong in a request."""

    where: str = Field(description="as in `body.min_support`")
    message: str


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="RFC 9457: the status says what kind it is")
    title: str = Field(description="the status in words")
    status: int
    detail: str = Field(description="a sentence for people")
    errors: list[Mistake] = Field(default_factory=list, description="each mistake in the request")
    id: str | None = Field(None, description="what our log calls it, where it was our mistake")


def problem(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    name: str | None = None,
) -> Response:
    """An answer that says what went wrong."""
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[Mistake(**one) for one in errors or ()],
        id=name,
    )
    response = jsonify(told.model_dump())
    response.status_code = status
    response.mimetype = MEDIA_TYPE
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def problem_of(error: Exception) -> ResponseReturnValue:
    """The answer for an error that an operation raised; what nobody expected is logged whole."""
    if isinstance(error, HTTPException):
        return problem(error.code or 500, error.description or error.name)
    if isinstance(error, InvalidRequestError):
        return problem(422, str(error), errors=error.errors)
    for kind, status in STATUS_OF.items():
        if isinstance(error, kind):
            return problem(status, str(error))
    if isinstance(error, OverflowError | DataError):
        return problem(422, "a number or a character in the request is none that databases take")
    name = secrets.token_hex(4)
    log.exception("event=api_failed id=%s endpoint=%s", name, request.endpoint, exc_info=error)
    return problem(500, f"something went wrong on our side; the log names it {name}", name=name)
