"""How many statements a page asks of the database."""

from flask.testing import FlaskClient
from sqlalchemy import event

from backend.opened import opened_by

MOST = 15


def queries_of(client: FlaskClient, path: str) -> list[str]:
    """What a page asks, without what begins a transaction; the page has to be there."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    engine = opened_by(client.application).database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return [statement for statement in asked if not statement.startswith(("BEGIN", "PRAGMA"))]


def assert_few_queries(client: FlaskClient, *paths: str) -> None:
    """Each page asks at most fifteen."""
    for path in paths:
        asked = queries_of(client, path)
        assert len(asked) <= MOST, "\n".join([path, *asked])
