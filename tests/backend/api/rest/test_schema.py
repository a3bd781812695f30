"""The OpenAPI document is true: schemathesis asks what it allows, and what it does not.

No answer is a server error, each has a status, a kind and a shape that the document names, and
none is given to whom shows no token.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.api.rest.operations import OPERATIONS
from backend.api.rest.problem import STATUS_OF
from backend.app import create_app
from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.scopes import Scope
from backend.db.session import connect
from backend.errors import LabelStudioDownError, SettingsError
from tests.backend.admin.conftest import NOBODY_THERE
from tests.conftest import settings_in

SHAPE = [status_code_conformance, content_type_conformance, response_schema_conformance]
LACKING = {STATUS_OF[SettingsError], STATUS_OF[LabelStudioDownError]}  # no Label Studio is there


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, _filled: Path) -> Iterator[tuple]:
    """The API as its own document tells of it, and a token that may do everything."""
    settings = settings_in(tmp_path_factory.mktemp("schema"), **NOBODY_THERE)
    shutil.copy(_filled / "goldloop.db", settings.goldloop_home / "goldloop.db")
    database = connect(settings.database_address)
    with database.write() as session:
        account = existing_account(session, "admin@example.com")
        _, shown = make_token(session, account, "schemathesis", list(Scope), made_by="x")
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(settings)), shown
    database.engine.dispose()


def test_the_document_is_openapi_3_1(world: tuple[BaseSchema, str]) -> None:
    schema, _ = world
    schema.validate()
    assert schema.raw_schema["openapi"] == "3.1.0"
    assert len(list(schema.get_all_operations())) == len(OPERATIONS)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_generated_input_is_answered_as_documented(
    world: tuple[BaseSchema, str], operation, mode: GenerationMode
) -> None:
    schema, shown = world
    told = schema[operation.path][operation.method]
    kept = operation.name in ("revoke_token", "set_account_role")  # else the token itself goes
    cases = told.as_strategy(generation_mode=mode)

    @hypothesis.settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
    @given(case=cases)
    def ask(case: Case) -> None:
        if not kept and mode is GenerationMode.POSITIVE and "key" in (case.path_parameters or {}):
            case.path_parameters["key"] = "general"
        case.headers["Authorization"] = f"Bearer {shown}"
        response = case.call()
        lacking = response.status_code in LACKING
        case.validate_response(response, checks=SHAPE if lacking else [not_a_server_error, *SHAPE])
        case.headers.pop("Authorization")
        assert case.call().status_code == 401

    ask()
