"""`goldloop project` and `goldloop sync`: projects, their Label Studio side, reconciliation."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.commands.project_settings import set_settings, undo
from backend.context import open_context
from backend.db.document_counts import count_documents
from backend.db.projects import all_projects, project_by_key, settings_of
from backend.db.tables import Version
from backend.loop.adopt import adopt as adopt_project
from backend.loop.check_connection import check_connection_of
from backend.loop.connect import connect_project, sync_project
from backend.settings import load_settings
from backend.workflow.label_studio.reconcile_report import Report
from backend.workflow.projects.create import check_key, create_project

BY = "command line"


@click.group()
def project() -> None:
    """Projects: create, adopt, connect with Label Studio, list, show, set."""


@project.command()
@click.argument("key")
@click.option("--name", help="as people see it; the key when left out")
@click.option(
    "--config",
    "configuration",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="a Label Studio labelling configuration",
)
@json_option
def create(key: str, name: str | None, configuration: Path, as_json: bool) -> None:
    """Create project KEY; `goldloop project connect KEY` gives it its Label Studio side."""
    context = open_context(load_settings())
    with context.database.write() as session:
        made = create_project(session, key, name or key, configuration.read_text("utf-8"), by=BY)
    if as_json:
        print_json({"key": made.key, "name": made.name, "labels": made.labels})
    else:
        click.echo(f"{made.key} created with {len(made.labels)} labels")


@project.command("connect")
@click.argument("key")
@json_option
def connect_command(key: str, as_json: bool) -> None:
    """Make KEY's Label Studio project where it has none; attach our ML backend and our hook."""
    context = open_context(load_settings())
    connected = connect_project(context, key, by=BY)
    if as_json:
        print_json(connected)
        return
    if connected.replaced is not None:
        click.echo(
            f"Label Studio project {connected.replaced} is gone: a new one was made; "
            "what was open there will be sent again"
        )
    click.echo(f"{key} is {context.label_studio.url}/projects/{connected.label_studio_id}")
    click.echo(f"model version shown there: {connected.model_version or 'none yet'}")


@project.command()
@click.argument("key")
@click.option("--label-studio-project", "number", required=True, type=int, help="its number there")
@json_option
def adopt(key: str, number: int, as_json: bool) -> None:
    """Adopt a project that is in Label Studio already as KEY; nothing is changed there."""
    check_key(key)
    context = open_context(load_settings())
    adopted = adopt_project(
        context.database, context.label_studio, key=key, label_studio_id=number, by=BY
    )
    if as_json:
        told = {"project": key, **adopted.report.to_dict(), "predictions": adopted.predictions}
        print_json(told)
        return
    _show_report(key, adopted.report)
    click.echo(f"predictions kept: {adopted.predictions}")
    click.echo(
        f"nothing was changed in Label Studio; to work with it: goldloop project connect {key}"
    )


@project.command("list")
@json_option
def list_projects(as_json: bool) -> None:
    """List the projects with their documents and gold."""
    table = Table("key", "name", "documents", "gold", "open", "Label Studio")
    with open_context(load_settings()).database.read() as session:
        projects = all_projects(session)
        counts = count_documents(session, [one.id for one in projects])
        if as_json:
            names = ("key", "name", "labels", "label_studio_id")
            print_json(
                [
                    {
                        **{name: getattr(one, name) for name in names},
                        "documents": counts[one.id],
                        "gold": counts[one.id].gold,
                    }
                    for one in projects
                ]
            )
            return
        for one in projects:
            its = counts[one.id]
            table.add_row(
                one.key,
                one.name,
                str(its.total),
                str(its.gold),
                str(its.open),
                str(one.label_studio_id or "not connected"),
            )
    Console().print(table)


@project.command()
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show one project: counts, champion, settings."""
    table = Table("", key, show_header=True)
    with open_context(load_settings()).database.read() as session:
        one = project_by_key(session, key)
        version = session.get(Version, one.champion_id) if one.champion_id else None
        its = count_documents(session, [one.id])[one.id]
        rows: dict[str, Any] = {
            "name": one.name,
            "labels": list(one.labels),
            "Label Studio project": one.label_studio_id,
            "champion": version and version.name,
            "documents": its.total,
            "gold by people": its.person,
            "gold imported": its.imported,
            "open tasks": its.open,
            "last event": one.last_event_at,
            "last reconciliation": one.last_sync_at,
            **settings_of(one).model_dump(),
        }
    if as_json:
        print_json({name.lower().replace(" ", "_"): value for name, value in rows.items()})
        return
    for name, value in rows.items():
        if name == "labels":
            value = ", ".join(value)
        table.add_row(name, str(_NOTHING.get(name) if value is None else value))
    Console().print(table)


_NOTHING = {  # what is said of it where there is none
    "Label Studio project": "not connected",
    "champion": "none yet",
    "last event": "never",
    "last reconciliation": "never",
}


@project.command("test")
@click.argument("key")
@json_option
def test_connection(key: str, as_json: bool) -> None:
    """Test KEY's connection with Label Studio part by part; exit status 1 when one is wrong."""
    looked = check_connection_of(open_context(load_settings()), key)
    if as_json:
        print_json([{**asdict(one), "what_to_do": one.what_to_do} for one in looked])
    else:
        for one in looked:
            told = {True: "right", False: "wrong", None: "could not be looked at"}[one.right]
            said = " ".join(part for part in (one.what_to_do, one.detail) if part)
            click.echo(f"{one.part.value.replace('_', ' ')}: {told}{f': {said}' if said else ''}")
    if not all(one.right for one in looked):
        raise SystemExit(1)


project.add_command(set_settings)
project.add_command(undo)


@click.command()
@click.argument("keys", metavar="[PROJECT]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="every project")
@json_option
def sync(keys: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Reconcile PROJECT with Label Studio: put right what either side lacks, and report it."""
    if bool(keys) == everything:
        raise click.UsageError("name projects, or say --all")
    context = open_context(load_settings())
    if everything:
        with context.database.read() as session:
            keys = tuple(one.key for one in all_projects(session) if one.label_studio_id)
    for key in keys:
        report = sync_project(context, key)
        if as_json:
            print_json({"project": key, **report.to_dict()})
        else:
            _show_report(key, report)


def _show_report(key: str, report: Report) -> None:
    content = report.to_dict()
    table = Table("what differed", "how many", "which", title=f"{key} and Label Studio")
    for name, count in sorted(content["found"].items()):
        shown = ", ".join(str(detail) for detail in content["details"][name][:5])
        table.add_row(name.replace("_", " "), str(count), shown + (", …" if count > 5 else ""))
    for name, notes in sorted(content["notes"].items()):
        table.add_row(f"note: {name}", str(len(notes)), "; ".join(map(str, notes[:3])))
    checked = ", ".join(f"{count} {name}" for name, count in content["checked"].items())
    table.caption = f"compared: {checked or 'nothing'}"
    if not content["found"]:
        table.add_row("nothing", "0", "")
    Console().print(table)
