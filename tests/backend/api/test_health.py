"""`/health` says what is wrong and never fails itself."""

import pytest
from sqlalchemy import text

from backend.app import create_app
from backend.db.session import Database
from backend.settings import Settings
from tests.servers import RedisServer


@pytest.mark.real
def test_all_is_well_with_tables_and_redis(
    settings: Settings, database: Database, redis_server: RedisServer
) -> None:
    answer = create_app(settings).test_client().get("/health")
    assert answer.status_code == 200
    assert answer.json == {"status": "UP", "database": "up", "tables": "at head", "redis": "up"}


def test_a_redis_that_is_down_is_told_but_does_not_matter(
    settings: Settings, database: Database
) -> None:
    answer = create_app(settings).test_client().get("/health")
    assert (answer.status_code, answer.json["redis"]) == (200, "down")


@pytest.mark.parametrize(
    ("statement", "tables", "status"),
    [
        ("DELETE FROM alembic_version", "missing: run goldloop db upgrade", 503),
        ("UPDATE alembic_version SET version_num = 'of_a_newer_release'", "ahead", 200),
    ],
)
def test_tables_of_another_release_are_told(
    settings: Settings, database: Database, statement: str, tables: str, status: int
) -> None:
    with database.write() as session:
        session.execute(text(statement))
    answer = create_app(settings).test_client().get("/health")
    assert (answer.json["tables"], answer.status_code) == (tables, status)


def test_a_database_that_is_down_is_told(settings: Settings) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2"
    app = create_app(settings.model_copy(update={"database_url": nowhere}))
    answer = app.test_client().get("/health")
    assert answer.status_code == 503
    assert answer.json["database"].startswith("down: ")
    assert "nobody" not in answer.text
