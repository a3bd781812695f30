"""`/health`: is this application fit to take requests? JSON, fast, never a traceback."""

from alembic.runtime.migration import MigrationContext
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend.context import Context

health_check = Blueprint("health", __name__)


@health_check.get("/health")
def health() -> ResponseReturnValue:
    """200 while the database answers with tables in it: Redis may be down, nothing is lost then."""
    context: Context = current_app.extensions["goldloop"]
    database, migrated = "up", None
    try:
        with context.database.read() as session:
            session.execute(text("SELECT 1"))
            migrated = MigrationContext.configure(session.connection()).get_current_revision()
    except SQLAlchemyError as error:
        database = f"down: {type(error).__name__}"
    redis = "up" if context.queue.alive() else "down"
    fit = database == "up" and migrated is not None
    body = {
        "status": "UP" if fit else "DOWN",
        "database": database,
        "migration": migrated,
        "redis": redis,
    }
    return jsonify(body), 200 if fit else 503
