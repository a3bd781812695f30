"""`goldloop project set` and `undo`: what a curator sets for one project, by name."""

from typing import Any

import click
from pydantic import ValidationError

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.tables_of_access import AuditEntry
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.settings import load_settings
from backend.workflow.projects.settings import TRAINING, change_settings, undo_settings
from backend.workflow.strategies.mixtures import read_mixture

BY = "command line"


@click.command("set")
@click.argument("key")
@click.argument("given", metavar="NAME=VALUE...", nargs=-1, required=True)
@json_option
def set_settings(key: str, given: tuple[str, ...], as_json: bool) -> None:
    """Change settings of KEY; an option of the trainer is training.NAME, empty to remove it.

    `goldloop project show KEY` lists them. A mixture of strategies is selection=mnlp:2+cost.
    """
    with open_context(load_settings()).database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        try:
            change = change_settings(session, project, _wanted(project, given), by=BY)
        except ValidationError as error:
            raise InvalidInputError(
                "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            ) from None
    _tell(change, as_json=as_json)


@click.command("undo")
@click.argument("key")
@click.argument("change", type=click.IntRange(1))
@json_option
def undo(key: str, change: int, as_json: bool) -> None:
    """Take a CHANGE of KEY's settings back; `goldloop audit-log --project KEY` has their numbers.

    Refused when one of these settings has been changed since.
    """
    with open_context(load_settings()).database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        undone = undo_settings(session, project, change, by=BY)
    _tell(undone, as_json=as_json)


def _tell(change: AuditEntry | None, *, as_json: bool) -> None:
    if as_json:
        number, before, after = (
            (change.id, change.before, change.after) if change else (None, {}, {})
        )
        print_json({"change": number, "before": before, "after": after})
        return
    if change is None:
        click.echo("nothing changed")
        return
    for name, after in change.after.items():
        click.echo(f"{name}: {change.before[name]} → {after}")


def _wanted(project: Project, given: tuple[str, ...]) -> dict[str, Any]:
    """What the words ask for; raises InvalidInputError for a name that is none."""
    before = settings_of(project).model_dump()
    wanted: dict[str, Any] = {"training": dict(before["training"])}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise InvalidInputError(f"give NAME=VALUE, not {one!r}")
        if name.startswith(TRAINING) and name != TRAINING:
            _set_option(wanted["training"], name.removeprefix(TRAINING), value)
        elif name in before and name != "training":
            wanted[name] = read_mixture(value) if name == "selection" else value
        else:
            names = ", ".join(other for other in before if other != "training")
            raise InvalidInputError(
                f"there is no setting {name!r}; there are {names} and training.NAME"
            )
    return wanted


def _set_option(options: dict[str, Any], name: str, value: str) -> None:
    if value:
        options[name] = _read(value)
    else:
        options.pop(name, None)


def _read(value: str) -> str | int | float | bool:
    """A trainer's option as the number or truth value that it looks like."""
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
