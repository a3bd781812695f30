"""`goldloop verify`: what must hold in a project, proved or shown to be broken."""

import click

from backend.context import open_context
from backend.db.label_recount import differences, recount
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.settings import load_settings


@click.group()
def verify() -> None:
    """Prove what must hold in a project."""


@verify.command()
@click.argument("project")
@click.option("--mend", is_flag=True, help="set the counts right instead of only telling")
def counts(project: str, mend: bool) -> None:
    """Count PROJECT's labels anew; a count that was kept wrong is told, with exit status 1."""
    database = open_context(load_settings()).database
    with database.read() as session:
        project_id = project_by_key(session, project).id
        found = differences(session, project_id)
    if found and mend:
        with database.write() as session:
            locked_project(session, project_id)
            found = recount(session, project_id)
    for difference in found:
        click.echo(str(difference))
    if not found:
        click.echo("every count of labels is right")
    elif mend:
        click.echo(f"{len(found)} counts set right")
    else:
        click.echo(f"{len(found)} counts are wrong; mend them with --mend", err=True)
        raise SystemExit(1)
