"""`goldloop audit-log`: every change, with who, when, before and after."""

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.audit_log import audit_entries
from backend.db.projects import project_by_key
from backend.settings import load_settings


@click.command("audit-log")
@click.option("--project", help="only this project's")
@click.option("--who", default="", help="how the address begins")
@click.option("--action", default="", help="how the action begins, as in run.")
@click.option("--before", type=click.IntRange(1), help="older than the entry of this number")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@json_option
def audit_log(
    project: str | None, who: str, action: str, before: int | None, limit: int, as_json: bool
) -> None:
    """List changes, the newest first."""
    with open_context(load_settings()).database.read() as session:
        found = audit_entries(
            session,
            project_id=project_by_key(session, project).id if project else None,
            who=who,
            action=action,
            before=before,
            limit=limit,
        )
    for entry in found:
        if as_json:
            names = ("id", "who", "action", "subject", "before", "after", "created_at")
            print_json({name: getattr(entry, name) for name in names})
            continue
        time = entry.created_at.isoformat(" ", "seconds")
        click.echo(f"{entry.id}\t{time}\t{entry.who}\t{entry.action}\t{entry.subject}")
