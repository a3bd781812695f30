"""`goldloop project set`: what a curator sets for one project, by name."""

from typing import Any

import click
from pydantic import ValidationError

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.settings import load_settings
from backend.workflow.project_settings import TRAINING, change_settings
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
            changes = change_settings(session, project, _wanted(project, given), by=BY)
        except ValidationError as error:
            raise InvalidInputError(
                "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            ) from None
    if as_json:
        print_json({name: {"before": old, "after": new} for name, (old, new) in changes.items()})
        return
    for name, (before, after) in changes.items():
        click.echo(f"{name}: {before} → {after}")
    if not changes:
        click.echo("nothing changed")


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
