"""`goldloop db`: the database's tables, up, down, and checked against the code."""

import tempfile
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from backend.errors import GoldloopError
from backend.settings import Settings, load_settings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def upgrade_database(settings: Settings, revision: str = "head") -> None:
    """Bring the database to a revision, the newest by default; nothing to do is no error."""
    try:
        command.upgrade(_config(settings.database_address), revision)
    except CommandError as error:
        raise GoldloopError(f"the database cannot be brought to {revision}: {error}") from None


def downgrade_database(settings: Settings, revision: str) -> None:
    """Take the database back to an earlier revision, or to `base`: no tables at all."""
    try:
        command.downgrade(_config(settings.database_address), revision)
    except CommandError as error:
        raise GoldloopError(f"the database cannot be taken to {revision}: {error}") from None


def check_migrations() -> None:
    """Raise GoldloopError unless the migrations make exactly the tables that the code declares."""
    with tempfile.TemporaryDirectory() as folder:
        config = _config(f"sqlite:///{folder}/check.db")
        command.upgrade(config, "head")
        try:
            command.check(config)
        except CommandError as error:
            raise GoldloopError(f"migrations do not match the tables: {error}") from None


@click.group()
def db() -> None:
    """Make or change the database's tables."""


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the tables to REVISION (default: the newest)."""
    upgrade_database(load_settings(), revision)
    click.echo(f"the tables are at {revision}")


@db.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the tables back to REVISION, -1 (one step), or base (none)."""
    downgrade_database(load_settings(), revision)
    click.echo(f"the tables are at {revision}")


@db.command()
def check() -> None:
    """Check that the migrations make the tables that the code declares."""
    check_migrations()
    click.echo("migrations match the tables")


@db.command()
@click.argument("message")
def revision(message: str) -> None:
    """Write the migration that the tables need, for a developer to look over."""
    with tempfile.TemporaryDirectory() as folder:
        config = _config(f"sqlite:///{folder}/revision.db")
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True)


def _config(address: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["address"] = address
    return config
