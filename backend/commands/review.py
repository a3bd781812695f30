"""`decide`, `undo` and `sent` of gold that may be wrong, for each group of commands of some."""

from typing import Any

import click

from backend.commands.json_output import json_option, print_json
from backend.context import Context, open_context
from backend.db.projects import project_by_key
from backend.db.review import SentBack, sent_back
from backend.db.tables_of_review import Verdict
from backend.db.versions import locked_project
from backend.errors import NotFoundError
from backend.logs import set_up_logging
from backend.loop import review as loop
from backend.settings import load_settings
from backend.workflow.review import decide as review
from backend.workflow.review.kinds import Asking, Decision, ReviewKind, asked_about

BY = "command line"


def add_decisions(group: click.Group, kind: ReviewKind) -> None:
    """Give a group of commands `decide`, `undo` and `sent`."""

    @group.command()
    @click.argument("project")
    @click.argument("number", type=int)
    @click.argument("verdict", type=click.Choice([one.value for one in Verdict]))
    @json_option
    def decide(project: str, number: int, verdict: str, as_json: bool) -> None:
        """Say of NUMBER that the gold is right, that the model is, or have it sent back."""
        context = open_quietly()
        with context.database.read() as session:
            project_id = project_by_key(session, project).id
            found: Asking | None = session.get(kind.asking, number)
            if found is None or found.project_id != project_id:
                raise NotFoundError(kind.name, number)
            revision = found.gold_revision
        made = loop.decide(context, project_id, kind, number, revision, Verdict(verdict), BY)
        _tell(made, as_json, f"decision {made.id} is kept")

    @group.command()
    @click.argument("project")
    @click.argument("decision", type=int)
    @json_option
    def undo(project: str, decision: int, as_json: bool) -> None:
        """Take a DECISION back: what it was about waits again."""
        with open_quietly().database.write() as session:
            row = locked_project(session, project_by_key(session, project).id)
            undone = review.undo(session, row, kind, decision, BY)
        _tell(undone, as_json, f"decision {decision} is taken back")

    @group.command()
    @click.argument("project")
    @click.option("--before", default=0, help="A decision's number: what was sent before it.")
    @click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 20_000))
    @json_option
    def sent(project: str, before: int, limit: int, as_json: bool) -> None:
        """What went back to the annotators of PROJECT, the last first."""
        with open_quietly().database.read() as session:
            number = project_by_key(session, project).id
            found = sent_back(session, kind.decision, number, before, limit)
        if as_json:
            print_json([_sent(row) for row in found])
            return
        for row in found:
            answered = "answered" if row.answered else "waits"
            click.echo(f"{row.decision.id}\t{answered}\t{row.document.external_id}")


def open_quietly() -> Context:
    """What a command works with; the log tells warnings alone."""
    settings = load_settings()
    set_up_logging("WARNING")
    return open_context(settings)


def _sent(row: SentBack) -> dict[str, Any]:
    return {
        "decision": row.decision.id,
        "about": asked_about(row.decision),
        "document": row.document.external_id,
        "sent_by": row.decision.made_by,
        "sent_at": row.decision.created_at,
        "answered": row.answered,
    }


def _tell(decision: Decision, as_json: bool, sentence: str) -> None:
    if not as_json:
        waits = "; its task is opened again when Label Studio answers" if decision.to_reopen else ""
        click.echo(sentence + waits)
        return
    print_json(
        {
            "decision": decision.id,
            "about": asked_about(decision),
            "verdict": decision.verdict,
            "to_reopen": decision.to_reopen,
            "undone": decision.withdrawn_at is not None,
        }
    )
