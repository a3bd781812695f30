"""`goldloop autolabel`: the champion labels what nobody has, under a promise."""

import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.commands.autolabel_told import (
    promise_record,
    promise_sentence,
    run_record,
    run_sentence,
    version_names,
)
from backend.commands.json_output import json_option, print_json
from backend.context import Context, open_context
from backend.db import autolabels, versions
from backend.db.projects import project_by_key
from backend.db.tables_of_autolabel import (
    AutolabelRun,
    AutolabelRunState,
    AutolabelState,
    Promise,
)
from backend.errors import ConflictError, GoldloopError
from backend.logs import set_up_logging
from backend.loop import audits, autolabel
from backend.loop.autolabel_decisions import Decision, decide, take_back
from backend.settings import load_settings
from backend.workflow.autolabels import moves
from backend.workflow.autolabels.chunks import progress_of

POLL_EVERY = 0.5  # seconds
ASKED_BY = "command line"
SHOWN = 50  # items

who = click.option("--by", default=ASKED_BY, help="E-mail address of whoever asks; it is kept.")
which = click.argument("documents", nargs=-1, type=int)
how_many = click.option(
    "--surest", type=click.IntRange(1), metavar="N", help="The N most confident pending ones."
)


@click.group("autolabel")
def autolabel_group() -> None:
    """Label the pool with the champion; accept what the promise allows, for copies too."""


@autolabel_group.command()
@click.argument("project")
@click.option("--wait", is_flag=True, help="Stay, with a progress bar, until it has ended.")
@who
@json_option
def start(project: str, wait: bool, by: str, as_json: bool) -> None:
    """Begin a run of PROJECT's champion, or go on with the one that is there.

    It begins by itself after each publication. Prediction workers do the work.
    """
    context = _open()
    run = autolabel.start(context, _project_id(context, project), by)
    if not as_json:
        click.echo(f"autolabel run {run.id}: {run.total:,} documents")
    _follow(context, project, run, wait, as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@who
@json_option
def pause(project: str, by: str, as_json: bool) -> None:
    """Stop PROJECT's run for a while; what is done stays done."""
    context = _open()
    run = autolabel.pause(context, project, by)
    told = f"run {run.id} is paused; goldloop autolabel resume {project} goes on with it"
    _tell(context, run, told, as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@click.option("--wait", is_flag=True, help="Stay, with a progress bar, until it has ended.")
@who
@json_option
def resume(project: str, wait: bool, by: str, as_json: bool) -> None:
    """Go on with PROJECT's paused run."""
    context = _open()
    run = autolabel.resume(context, project, by)
    if not as_json:
        click.echo(f"run {run.id} goes on")
    _follow(context, project, run, wait, as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@who
@json_option
def cancel(project: str, by: str, as_json: bool) -> None:
    """End PROJECT's run; what is done stays done."""
    context = _open()
    run = autolabel.cancel(context, project, by)
    told = f"run {run.id} is cancelled; goldloop autolabel start {project} does the rest"
    _tell(context, run, told, as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@json_option
def status(project: str, as_json: bool) -> None:
    """Tell where PROJECT's run, its promise and its items stand."""
    context = _open()
    with context.database.read() as session:
        found = project_by_key(session, project)
        run = autolabels.last_run(session, found.id)
        promise = autolabels.last_promise(session, found.id)
        states = autolabels.state_counts(session, found.id)
        told = {
            "run": run_record(session, run) if run is not None else None,
            "promise": promise_record(session, promise) if promise is not None else None,
            "items": states,
        }
    if as_json:
        print_json(told)
        return
    click.echo(run_sentence(told["run"]))
    click.echo(promise_sentence(told["promise"]))
    click.echo(", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in states.items()))


@autolabel_group.command("list")
@click.argument("project")
@click.option("--state", type=click.Choice([state.value for state in AutolabelState]))
@click.option("--after", type=int, default=0, help="Begin after this document.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN, show_default=True)
@json_option
def list_items(project: str, state: str | None, after: int, limit: int, as_json: bool) -> None:
    """List items of PROJECT's queue: document, state, confidence, entities in the text."""
    context = _open()
    with context.database.read() as session:
        found = project_by_key(session, project)
        rows = autolabels.listed(session, found.id, state, after=after, limit=limit)
        names = version_names(session, {item.version_id for item, _ in rows})
        for item, document in rows:
            record = {
                "document": item.document_id,
                "id": document.external_id,
                "state": item.state,
                "confidence": round(item.confidence, 4),
                "version": names[item.version_id],
                "promise": item.promise_id,
                "audit": item.audit,
                "changed_by": item.changed_by,
                "changed_at": item.changed_at.isoformat(),
                "text": document.text,
                "entities": item.entities,
            }
            if as_json:
                print_json(record)
                continue
            marked = ", ".join(
                f"{document.text[one['start'] : one['end']]} {one['label']}"
                + (" (left out)" if one.get("rejected") else "")
                for one in item.entities
            )
            click.echo(f"{item.document_id}  {item.state}  {item.confidence:.3f}  {marked}")


@autolabel_group.command()
@click.argument("project")
@which
@how_many
@who
@json_option
def accept(
    project: str, documents: tuple[int, ...], surest: int | None, by: str, as_json: bool
) -> None:
    """Make the entities of DOCUMENTS gold: you vouch for them."""
    _decide(project, documents, surest, by, Decision.ACCEPT, "accepted", as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@which
@who
@json_option
def reject(project: str, documents: tuple[int, ...], by: str, as_json: bool) -> None:
    """Say that the items of DOCUMENTS are wrong; gold that came of them goes."""
    _decide(project, documents, None, by, Decision.REJECT, "rejected", as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@which
@how_many
@who
@json_option
def send(
    project: str, documents: tuple[int, ...], surest: int | None, by: str, as_json: bool
) -> None:
    """Send DOCUMENTS to people in Label Studio, their sure entities as pre-labels."""
    _decide(project, documents, surest, by, Decision.SEND, "sent to Label Studio", as_json=as_json)


@autolabel_group.command()
@click.argument("project")
@click.argument("first", type=int)
@click.argument("last", type=int)
@who
@json_option
def undo(project: str, first: int, last: int, by: str, as_json: bool) -> None:
    """Take back what accept, reject or send has told the numbers of.

    What has changed since, or is in Label Studio by now, stays.
    """
    undone = take_back(_open(), project, first, last, by)
    if as_json:
        print_json(undone)
        return
    click.echo(f"{undone.items:,} undone, {undone.kept:,} stay as they have changed since")


@autolabel_group.command()
@click.argument("project")
@json_option
def promise(project: str, as_json: bool) -> None:
    """Tell what is promised of PROJECT's champion, and what it rests on."""
    context = _open()
    with context.database.read() as session:
        found = project_by_key(session, project)
        champion = versions.champion(session, found)
        if champion is None:
            raise ConflictError("no version is served yet: nothing is promised of it")
        newest = autolabels.last_promise(session, found.id, champion.id)
        record = promise_record(session, newest) if newest is not None else None
    if as_json:
        print_json(record)
        return
    if record is None:
        click.echo(
            f"nothing is promised of {champion.name} yet: goldloop autolabel start {project}"
        )
        return
    click.echo(promise_sentence(record))
    for step in record["figures"].get("steps", []):
        click.echo(
            f"  from {step['threshold']:.4f} on: {step['right']} of {step['tested']} right, "
            f"p-value {step['p_value']:.4f}"
        )


@autolabel_group.command()
@click.argument("project")
@json_option
def audit(project: str, as_json: bool) -> None:
    """Look at what people said of the audited documents; recall what cannot be kept."""
    context = _open()
    project_id = _project_id(context, project)
    audits.watch(context, project_id)
    with context.database.read() as session:
        counts = autolabels.audit_counts(session, project_id)
        promises = [session.get_one(Promise, one) for one in sorted({n for n, _ in counts if n})]
        records = [
            {
                **promise_record(session, one),
                "open": counts.get((one.id, "open"), 0),
                "right": counts.get((one.id, "right"), 0),
                "wrong": counts.get((one.id, "wrong"), 0),
            }
            for one in promises
        ]
    if as_json:
        print_json(records)
        return
    for record in records:
        upper = record["figures"].get("audit", {}).get("upper", 1.0)
        click.echo(
            f"promise {record['promise']} of {record['version']}, {record['state']}: "
            f"{record['right']} right, {record['wrong']} wrong, {record['open']} open; "
            f"at most {upper:.1%} can be right, {record['p']:.0%} is promised"
        )
    if not records:
        click.echo("nothing was accepted by rule: there is nothing to audit")


def _decide(
    project_key: str,
    documents: tuple[int, ...],
    surest: int | None,
    by: str,
    decision: Decision,
    done: str,
    *,
    as_json: bool,
) -> None:
    context = _open()
    if bool(documents) == (surest is not None):
        raise click.UsageError("name the documents, or give --surest N, and not both")
    ids = list(documents)
    if surest is not None:
        with context.database.read() as session:
            ids = moves.surest(session, project_by_key(session, project_key), surest)
    decided = decide(context, project_key, decision, ids, by, pass_over=surest is not None)
    if as_json:
        print_json(decided)
        return
    click.echo(f"{decided.items:,} {done}")
    if decided.first is not None:
        click.echo(f"undo: goldloop autolabel undo {project_key} {decided.first} {decided.last}")
    if decided.stopped:
        raise ConflictError(f"{decided.passed_over:,} are left: {decided.stopped}")


def _tell(context: Context, run: AutolabelRun, sentence: str, *, as_json: bool) -> None:
    if not as_json:
        click.echo(sentence)
        return
    with context.database.read() as session:
        print_json(run_record(session, session.get_one(AutolabelRun, run.id)))


def _follow(
    context: Context, project: str, run: AutolabelRun, wait: bool, *, as_json: bool
) -> None:
    if not wait:
        told = f"goldloop autolabel status {project} tells how it goes"
        _tell(context, run, told, as_json=as_json)
        return
    try:
        ended = _watch(context, run.id)
    except KeyboardInterrupt:
        told = f"goldloop autolabel status, pause or cancel {project}"
        click.echo(f"run {run.id} goes on without you: {told}", err=True)
        raise
    if ended.state in (AutolabelRunState.FAILED, AutolabelRunState.CANCELLED):
        raise GoldloopError(f"autolabel run {run.id} {ended.state}: {ended.reason}")
    if as_json:
        _tell(context, ended, "", as_json=True)
        return
    with context.database.read() as session:
        promise = autolabels.last_promise(session, run.project_id)
        record = promise_record(session, promise) if promise is not None else None
        states = autolabels.state_counts(session, run.project_id)
    click.echo(f"{ended.done:,} documents labelled, {ended.state}")
    click.echo(promise_sentence(record))
    click.echo(", ".join(f"{n:,} {state.replace('_', ' ')}" for state, n in states.items()))


def _watch(context: Context, run_id: int) -> AutolabelRun:
    """Show a run's progress until it ends; whoever watches also leads, should nobody else."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        shown = bar.add_task("autolabel")
        while True:
            autolabel.advance(context, run_id)
            with context.database.read() as session:
                run = session.get_one(AutolabelRun, run_id)
                out = autolabels.chunks_of(session, run_id)
            its = progress_of(run, out)
            stage = "certify gold" if its.of_certify_gold else f"autolabel ({run.state})"
            bar.update(shown, description=stage, total=its.total, completed=its.done)
            if run.state not in autolabels.ACTIVE or run.state == AutolabelRunState.PAUSED:
                return run
            time.sleep(POLL_EVERY)


def _project_id(context: Context, key: str) -> int:
    with context.database.read() as session:
        return project_by_key(session, key).id


def _open() -> Context:
    settings = load_settings()
    set_up_logging("WARNING")
    return open_context(settings)
