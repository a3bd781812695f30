"""`/health`: is this application fit to take requests? JSON, fast, never a traceback."""

from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from backend.opened import opened

MIGRATIONS = Path(__file__).parents[2] / "migrations"
FIT = ("at head", "ahead")  # a newer release may have migrated already

health_check = Blueprint("health", __name__)


@health_check.get("/health")
def health() -> ResponseReturnValue:
    """200 while the database answers with the tables we need.

    Redis may be down: that costs time, not work.
    """
    context = opened()
    database, tables = "up", "unknown"
    try:
        with context.database.read() as session:
            revision = MigrationContext.configure(session.connection()).get_current_revision()
            tables = _compared(revision)
    except SQLAlchemyError as error:
        database = f"down: {type(error).__name__}"
    fit = database == "up" and tables in FIT
    body = {
        "status": "UP" if fit else "DOWN",
        "database": database,
        "tables": tables,
        "redis": "up" if context.queue.alive() else "down",
    }
    return jsonify(body), 200 if fit else 503


def _compared(revision: str | None) -> str:
    if revision is None:
        return "missing: run goldloop db upgrade"
    revisions = _revisions()
    if revision not in revisions:
        return "ahead"
    return "at head" if revision == revisions[0] else "behind: run goldloop db upgrade"


@cache
def _revisions() -> list[str]:
    """The revisions that this code knows, the newest first; none when the folder is elsewhere."""
    try:
        return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    except CommandError:
        return []
