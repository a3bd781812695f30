"""Every list is paged by a cursor: the document says so, and page by page it is the whole."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import select

from backend.api.rest.operations import OPERATIONS
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Document
from backend.settings import Settings
from tests.backend.admin.conftest import _whole, whole
from tests.backend.admin.filled_queue import KEY
from tests.backend.admin.whole import GOLD, fill_queues
from tests.backend.api.rest.conftest import Program
from tests.servers import RedisServer

__all__ = ("_whole", "whole")

FIXED = {"list_formats", "test_connection"}  # as long as our code makes them, not the data
KEYS = ("general", GOLD, KEY, "p")
MOST = 5  # pages that are asked for
LISTS = [one for one in OPERATIONS if one.name.startswith("list_") and one.name not in FIXED]


@pytest.fixture
def filled(whole: Database, settings: Settings, redis_server: RedisServer) -> Database:
    fill_queues(settings)
    return whole


@pytest.fixture
def ask(program: Callable[..., Program]) -> Program:
    return program("admin")


@pytest.fixture
def copy(filled: Database) -> str:
    """The name of a document that reads like another."""
    with filled.read() as session:
        project = project_by_key(session, GOLD)
        near = (Document.project_id == project.id, Document.near_id.is_not(None))
        return session.scalars(select(Document.external_id).where(*near).limit(1)).one()


def test_every_list_in_the_document_has_a_cursor(ask: Program) -> None:
    told = ask("GET", "/openapi.json").json
    for path, methods in told["paths"].items():
        operation = methods.get("get", {})
        content = operation.get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None or operation["operationId"] in FIXED:
            continue
        schema = resolved(told, schema)
        assert schema.get("type") != "array", path
        is_list = operation["operationId"].startswith("list_")
        many = {name for name, its in schema.get("properties", {}).items() if "items" in its}
        assert is_list == ("items" in many), path
        if is_list:
            assert {"items", "next"} <= schema["properties"].keys(), path
            assert {"after", "limit"} <= {one["name"] for one in operation["parameters"]}, path


def test_page_by_page_a_list_is_the_whole(ask: Program, copy: str) -> None:
    for label in ask("GET", "/projects/general").json["labels"][:2]:
        renaming = {"label": label, "into": f"new {label}"}
        assert ask("POST", "/projects/general/labels/rename", json=renaming).status_code == 201
    needed = {"list_copies": f"&document={copy}", "list_findings": "&kind=surface-form"}
    longest = dict.fromkeys((one.name for one in LISTS), 0)
    for operation in LISTS:
        query = needed.get(operation.name, "")
        for path in {operation.path.format(key=key) for key in KEYS}:
            whole = ask("GET", f"{path}?limit=500{query}").json.get("items", [])
            pages = islice(walked(ask, f"{path}?limit=1{query}"), MOST)
            assert [one for page in pages for one in page] == whole[:MOST], path
            longest[operation.name] = max(longest[operation.name], len(whole))
    assert all(longest.values())


def walked(ask: Program, address: str) -> Iterator[list[Any]]:
    """The pages of a list, one after the other."""
    page = ask("GET", address).json
    yield page.get("items", [])  # none where the project has not what the list is of
    while page.get("next") is not None:
        page = ask("GET", f"{address}&after={page['next']}").json
        yield page["items"]


def resolved(told: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or what it refers to."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = told["components"]["schemas"][reference.rpartition("/")[2]]
    return found
