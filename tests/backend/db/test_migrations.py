"""The migrations: up, down, and the very tables that the code declares."""

import pytest
from sqlalchemy import Column, Integer, inspect

from backend.commands.db import check_migrations, downgrade_database, upgrade_database
from backend.db import (  # noqa: F401
    tables_of_access,
    tables_of_autolabel,
    tables_of_doubts,
    tables_of_errors,
    tables_of_evidence,
    tables_of_labels,
    tables_of_releases,
    tables_of_selection,
    tables_of_sharing,
    tables_of_surveys,
)
from backend.db.session import connect
from backend.db.tables import Base
from backend.errors import GoldloopError
from tests.conftest import settings_in


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def empty(request, tmp_path):
    """Settings of a database without any table."""
    if request.param == "sqlite":
        return settings_in(tmp_path)
    url = request.getfixturevalue("postgresql").create()
    return settings_in(tmp_path, database_url=url)


def tables(settings) -> set[str]:
    engine = connect(settings.database_address).engine
    found = set(inspect(engine).get_table_names()) - {"alembic_version"}
    engine.dispose()
    return found


def test_up_down_and_up_again(empty):
    declared = set(Base.metadata.tables)
    upgrade_database(empty)
    assert tables(empty) == declared
    downgrade_database(empty, "base")
    assert tables(empty) == set()
    upgrade_database(empty)
    upgrade_database(empty)  # nothing to do
    assert tables(empty) == declared


def test_migrations_make_the_declared_tables():
    check_migrations()


def test_a_column_that_no_migration_makes_is_found():
    extra = Column("extra", Integer)
    Base.metadata.tables["accounts"].append_column(extra)
    try:
        with pytest.raises(GoldloopError, match="do not match the tables"):
            check_migrations()
    finally:
        Base.metadata.tables["accounts"]._columns.remove(extra)
    check_migrations()


def test_an_unknown_revision_is_a_sentence(empty):
    with pytest.raises(GoldloopError, match="cannot be brought to 9999"):
        upgrade_database(empty, "9999")
