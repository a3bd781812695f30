"""`goldloop retrain` and `goldloop rollback`: models at a curator's word."""

import time
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from backend.api.rest.models import Choices
from backend.commands.json_output import json_option, print_json
from backend.context import Context, open_context
from backend.db import versions
from backend.db.projects import project_by_key
from backend.db.tables import ACTIVE_RUNS, Publication, PublicationState, Run, RunState
from backend.errors import ConflictError, GoldloopError, InvalidInputError
from backend.logs import set_up_logging
from backend.loop import publication, training
from backend.settings import load_settings
from ml_backend.contract.messages import JobFolder

POLL_EVERY = 0.5  # seconds
ASKED_BY = "command line"


@click.command()
@click.argument("project")
@click.option("--wait", is_flag=True, help="Stay until the run, and its publication, have ended.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="encoder, head, start or epochs, for this run alone",
)
@click.option("--retry", type=int, metavar="RUN", help="Run a failed run's snapshot again.")
@click.option("--cancel", type=int, metavar="RUN", help="Stop a run.")
@click.option("--promote", type=int, metavar="RUN", help="Promote a run that waits for a word.")
@click.option("--refuse", type=int, metavar="RUN", help="Refuse a run that waits for a word.")
@json_option
def retrain(
    project: str,
    wait: bool,
    given: tuple[str, ...],
    retry: int | None,
    cancel: int | None,
    promote: int | None,
    refuse: int | None,
    as_json: bool,
) -> None:
    """Train PROJECT on its gold now; workers do the work."""
    context = _open()
    with context.database.read() as session:
        project_id = project_by_key(session, project).id
    for number in (retry, cancel, promote, refuse):
        _check_owner(context, project_id, number)
    if cancel is not None:
        training.cancel(context, cancel, ASKED_BY)
        _tell(context, cancel, "was asked to stop", as_json=as_json)
        return
    if promote is not None or refuse is not None:
        for number, yes in ((promote, True), (refuse, False)):
            if number is not None:
                training.decide(context, number, promote=yes, asked_by=ASKED_BY)
                done = "is promoted" if yes else "is refused"
                _tell(context, number, done, as_json=as_json)
        return
    if retry is not None:
        run: Run | None = training.retry(context, retry, ASKED_BY)
    else:
        opened = training.request(context, project, ASKED_BY, _options(given))
        run = opened.run
        if run is None:
            raise ConflictError(opened.sentence)
    assert run is not None
    if not as_json:
        _tell(context, run.id, "has begun", as_json=False)
    if wait:
        _wait_for_run(context, run.id, quiet=as_json)
    if as_json:
        _tell(context, run.id, "", as_json=True)


@click.command()
@click.argument("project")
@click.argument("version")
@click.option("--wait", is_flag=True, help="Stay until the version is served.")
@json_option
def rollback(project: str, version: str, wait: bool, as_json: bool) -> None:
    """Serve an earlier VERSION of PROJECT again: the same steps as a publication."""
    context = _open()
    opened = publication.begin(context, project, version, ASKED_BY)
    if not as_json:
        click.echo(f"publication {opened.id} of {version} has begun")
    if wait:
        _wait_for_publication(context, opened.id, quiet=as_json)
    if as_json:
        with context.database.read() as session:
            found = session.get_one(Publication, opened.id)
        print_json({"publication": found.id, "version": version, "state": found.state})


def _options(given: tuple[str, ...]) -> dict[str, Any]:
    """What is chosen for one run, as the API takes it; raises InvalidInputError."""
    try:
        chosen = Choices.model_validate(dict(one.split("=", 1) for one in given))
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise InvalidInputError(told) from None
    except ValueError:
        raise InvalidInputError("--set takes NAME=VALUE") from None
    return chosen.model_dump(exclude_none=True)


def _tell(context: Context, run_id: int, sentence: str, *, as_json: bool) -> None:
    """Say what was done about a run; as JSON, where it stands now."""
    if not as_json:
        click.echo(f"run {run_id} {sentence}")
        return
    with context.database.read() as session:
        run = session.get_one(Run, run_id)
    names = ("id", "state", "reason", "asked_by", "created_at", "finished_at")
    print_json({name: getattr(run, name) for name in names})


def _wait_for_run(context: Context, run_id: int, *, quiet: bool) -> None:
    shown = ""
    while True:
        with context.database.read() as session:
            run = session.get_one(Run, run_id)
        line = _line(run)
        if line != shown and not quiet:
            click.echo(line)
            shown = line
        if run.state not in ACTIVE_RUNS:
            break
        time.sleep(POLL_EVERY)
    if run.state in (RunState.FAILED, RunState.CANCELLED):
        raise GoldloopError(f"run {run_id} {run.state}: {run.reason}")
    if run.state == RunState.PROMOTED:
        with context.database.read() as session:
            found = versions.publication_of(session, run.version_id)
        if found is not None:
            _wait_for_publication(context, found.id, quiet=quiet)


def _line(run: Run) -> str:
    progress = JobFolder(Path(run.folder)).progress() if run.folder else None
    if run.state != RunState.TRAINING or progress is None:
        return f"{run.state}{f': {run.reason}' if run.reason else ''}"
    figures = " ".join(f"{name}={value:g}" for name, value in progress.figures.items())
    return f"{run.state}: {progress.stage} {progress.done}/{progress.total} {figures}".rstrip()


def _wait_for_publication(context: Context, publication_id: int, *, quiet: bool) -> None:
    shown = ""
    while True:
        with context.database.read() as session:
            found = session.get_one(Publication, publication_id)
        if found.state != shown and not quiet:
            click.echo(f"publication {publication_id}: {found.state}")
            shown = found.state
        if found.state == PublicationState.FAILED:
            raise GoldloopError(f"publication {publication_id} failed: {found.reason}")
        if found.state == PublicationState.DONE:
            return
        time.sleep(POLL_EVERY)


def _check_owner(context: Context, project_id: int, run_id: int | None) -> None:
    if run_id is None:
        return
    with context.database.read() as session:
        run = session.get(Run, run_id)
    if run is None or run.project_id != project_id:
        raise ConflictError(f"run {run_id} is not this project's")


def _open() -> Context:
    settings = load_settings()
    set_up_logging("WARNING")
    return open_context(settings)
