"""What each page costs: the database its questions, the reader's line its bytes."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.admin.frame.permissions import ALLOWED
from backend.db.session import Database
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.queries import MOST, queries_of
from tests.backend.admin.whole import whole_pages

LIVE = {endpoint for endpoint in ALLOWED if endpoint.endswith("live")}
FIRST_VIEW = 300_000  # bytes, without the chart library, which browsers keep


@pytest.fixture
def filled(whole: Database) -> Database:
    return whole


@pytest.fixture
def pages(app: Flask, filled: Database) -> dict[str, str]:
    """Name → address of every page with something on it."""
    found = whole_pages(app, filled)
    del found["not-there"]
    return found


@pytest.fixture
def admin(sign_in: SignIn) -> FlaskClient:
    return sign_in("admin")


def live_parts(client: FlaskClient, pages: dict[str, str]) -> dict[str, str]:
    """Name → address of the parts that pages swap, with what each page's address holds."""
    app = client.application
    adapter, found = app.url_map.bind("localhost"), {}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in LIVE]
    for name, address in pages.items():
        path, mark, query = address.partition("?")
        endpoint, given = adapter.match(path)
        for rule in rules:
            of_it = rule.endpoint.partition(".")[0] == endpoint.partition(".")[0]
            if of_it and rule.arguments == given.keys():
                live = adapter.build(rule.endpoint, given) + mark + query
                if client.get(live).status_code == 200:
                    found[f"{name} {rule.endpoint}"] = live
    return found


def test_no_page_asks_more_than_fifteen_times(admin: FlaskClient, pages: dict[str, str]) -> None:
    live = live_parts(admin, pages)
    assert {name.partition(" ")[2] for name in live} == LIVE
    queries_of(admin, "/")  # what the process asks once is no page's
    asked = {name: queries_of(admin, path) for name, path in (pages | live).items()}
    assert {name: its for name, its in asked.items() if len(its) > MOST} == {}


def test_a_first_view_is_small(admin: FlaskClient, pages: dict[str, str]) -> None:
    sizes = {name: _bytes_of(admin, path) for name, path in pages.items()}
    assert {name: size for name, size in sizes.items() if size > FIRST_VIEW} == {}


def _bytes_of(client: FlaskClient, path: str) -> int:
    """A page and every file of ours that it loads."""
    page = client.get(path).data
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode()))
    assert any(".css" in file for file in files)
    return len(page) + sum(len(client.get(file).data) for file in files)
