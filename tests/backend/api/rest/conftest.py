"""The application over a filled and an empty project, and tokens that programs show."""

from collections.abc import Callable, Collection

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.context import Context
from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.scopes import Scope, allowed_scopes
from backend.db.session import Database
from backend.opened import opened_by
from tests.backend.admin.conftest import _filled, app, filled

__all__ = ("_filled", "app", "filled")

MakeToken = Callable[..., str]


class Program:
    """A client that shows a token with every request."""

    def __init__(self, client: FlaskClient, token: str):
        self._client, self.token = client, token

    @property
    def opened(self) -> Context:
        """What the application works with."""
        return opened_by(self._client.application)

    def __call__(self, method: str, path: str, **options: object):
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self._client.open(f"/api/v1{path}", method=method, headers=headers, **options)


@pytest.fixture
def token(filled: Database) -> MakeToken:
    """Make a token for `annotator`, `curator` or `admin`, with all scopes of the role or some."""

    def made(who: str = "admin", scopes: Collection[Scope] | None = None, **options) -> str:
        with filled.write() as session:
            account = existing_account(session, f"{who}@example.com")
            wanted = allowed_scopes(account.role) if scopes is None else scopes
            return make_token(session, account, "a test", wanted, made_by="x", **options)[1]

    return made


@pytest.fixture
def program(app: Flask, token: MakeToken) -> Callable[..., Program]:
    """A program with a token of its own."""

    def made(who: str = "admin", scopes: Collection[Scope] | None = None, **options) -> Program:
        return Program(app.test_client(), token(who, scopes, **options))

    return made
