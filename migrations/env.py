"""How Alembic reaches the database: the settings' own address and the tables' own metadata."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import event, text

from backend.db import (
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
from backend.db.tables import Base, UtcDateTime

# every module of tables, so that the metadata knows all of them
TABLES = (
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
MIGRATION_LOCK = 0x601D_1009  # any number, as long as every process that migrates takes the same


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types as what they are in the database: a migration outlives our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def without_foreign_keys(connection: Any, record: object) -> None:
    """On SQLite, altering a table remakes it, and dropping the old one would cascade."""
    connection.execute("PRAGMA foreign_keys=OFF")


engine = connect(context.config.attributes["address"]).engine
sqlite = engine.dialect.name == "sqlite"
if sqlite:
    event.listen(engine, "connect", without_foreign_keys)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=sqlite,
        render_item=render_item,
        transactional_ddl=True,  # our sessions begin transactions themselves, on SQLite too
    )
    with context.begin_transaction():
        if not sqlite:  # on SQLite the transaction is IMMEDIATE and locks enough
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": MIGRATION_LOCK})
        context.run_migrations()
engine.dispose()
