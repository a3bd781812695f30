"""The demo's project, from nothing to a served first version; a second call finds it all there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.commands.documents import set_copies_aside
from backend.db.accounts import account_by_email, add_account
from backend.db.pool import is_waiting, open_count
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import (
    ACTIVE_RUNS,
    Project,
    Publication,
    PublicationState,
    Role,
    Run,
    RunState,
    Version,
)
from backend.demo.corpus import Corpus
from backend.demo.stack import Stack, kept_by
from backend.errors import GoldloopError, NotFoundError
from backend.loop import publication, training
from backend.loop.connect import connect_project
from backend.loop.import_files import import_file
from backend.workflow.projects.create import create_project
from backend.workflow.select import missing_tasks
from ml_backend.contract.messages import DEFAULT_QUEUE, REQUEST_TRAINING_JOB, JobFolder

PROJECT_KEY, PROJECT_NAME = "general", "General Korean (generated sample)"
ACCOUNTS = {
    Role.ADMINISTRATOR: "admin@example.com",
    Role.CURATOR: "curator@example.com",
}
PATIENCE = 600.0  # seconds for a training, a publication, or the filling of Label Studio
LOOK_EVERY = 0.3
ASKED_BY = "the demo"
GIVEN_UP = (RunState.FAILED, RunState.CANCELLED)
CONFIGURATION = Path("annotation_configs/general.xml")

Found = TypeVar("Found")
Row = TypeVar("Row", Run, Publication)


def seed(stack: Stack, corpus: Corpus, console: Console) -> None:
    """Make the demo's project, import its documents, train and publish, fill Label Studio."""
    make_project(stack, PROJECT_KEY, PROJECT_NAME)
    import_corpus(stack, PROJECT_KEY, corpus, console)
    train_first(stack, PROJECT_KEY, console)
    wait_filled(stack, PROJECT_KEY, console)


def make_accounts(stack: Stack) -> dict[Role, str]:
    """Accounts of the admin application where they are lacking; every account's password."""
    kept = kept_by(stack.settings)
    passwords = {role: kept.secret(f"{role}_password", 12) for role in ACCOUNTS}
    with stack.context.database.write() as session:
        for role, email in ACCOUNTS.items():
            if account_by_email(session, email) is None:
                add_account(session, email, role=role, password=passwords[role])
    return passwords


def make_project(stack: Stack, key: str, name: str) -> None:
    """The project and its Label Studio side, as far as they are lacking."""
    configuration = CONFIGURATION.read_text("utf-8")
    with stack.context.database.write() as session:
        try:
            project_by_key(session, key)
        except NotFoundError:
            create_project(session, key, name, configuration, by=ASKED_BY)
    connect_project(stack.context, key, by=ASKED_BY)


def import_corpus(stack: Stack, key: str, corpus: Corpus, console: Console) -> None:
    """Import the corpus file by file and set the copies aside; a second time adds nothing."""
    database = stack.context.database
    files = corpus.files(stack.settings.goldloop_home.resolve() / "sample" / key)
    with _bar(console, "importing") as (bar, task):
        bar.update(task, total=sum(map(len, (corpus.train_gold, corpus.random_gold, corpus.pool))))
        for name, (path, gold) in files.items():
            bar.update(task, description=f"importing: {name}")
            import_file(database, key, path, gold, lambda lines: bar.advance(task, lines))
    copies = set_copies_aside(database, key)
    console.print(f"deduplicated: {copies.copies} new copies set aside")


def train_first(stack: Stack, key: str, console: Console) -> Version:
    """Train and publish the first version unless there is one; the champion.

    What an earlier start left behind is gone on with: a run under way is waited for, one that
    died is run again, a publication that failed is tried again.
    """
    with stack.context.database.read() as session:
        project = project_by_key(session, key)
        last = _newest(session, Run, project.id)
        published = _newest(session, Publication, project.id)
        failed = published is not None and published.state == PublicationState.FAILED
        version = session.get(Version, published.version_id) if published and failed else None
    if project.champion_id is not None:
        return wait_published(stack, key, console)
    if version is not None:
        publication.begin(stack.context, key, version.name, ASKED_BY)
        return wait_published(stack, key, console)
    if last is None or (last.state in GIVEN_UP and not last.snapshot_digest):
        stack.context.queue.ring(DEFAULT_QUEUE, REQUEST_TRAINING_JOB, key, ASKED_BY)
        run = watch_training(stack, key, console, after=last.id if last else 0)
    else:
        run = watch_training(stack, key, console, after=last.id - 1)
        if run.state in GIVEN_UP:
            training.retry(stack.context, run.id, ASKED_BY)
            run = watch_training(stack, key, console, after=run.id)
    if run.state != RunState.PROMOTED:
        raise GoldloopError(f"the training run {run.id} ended as {run.state}: {run.reason}")
    return wait_published(stack, key, console)


def watch_training(stack: Stack, key: str, console: Console, *, after: int) -> Run:
    """Show the first run with an id above `after` until it has ended, in whatever state."""
    with _bar(console, "training") as (bar, task):

        def ended() -> Run | None:
            run = first_run(stack, key, after)
            if run is None:
                return None
            progress = JobFolder(Path(run.folder)).progress() if run.folder else None
            if progress is not None:
                figures = " ".join(
                    f"{name} {value:.3g}" for name, value in progress.figures.items()
                )
                bar.update(
                    task,
                    description=f"{progress.stage}: {figures}",
                    completed=progress.done,
                    total=progress.total or None,
                )
            return run if run.state not in ACTIVE_RUNS else None

        return stack_wait(stack, ended, "a training run to end")


def first_run(stack: Stack, key: str, after: int) -> Run | None:
    """The first run of the project with an id above `after`."""
    with stack.context.database.read() as session:
        return session.scalars(
            select(Run)
            .join(Project)
            .where(Project.key == key, Run.id > after)
            .order_by(Run.id)
            .limit(1)
        ).one_or_none()


def wait_published(
    stack: Stack, key: str, console: Console, version_id: int | None = None
) -> Version:
    """Wait until the newest publication, or that of a version, is done; the champion then.

    A publication that failed raises when the version was asked for, or when nothing is served.
    """
    newest = select(Publication).order_by(Publication.id.desc()).limit(1)
    if version_id is not None:
        newest = newest.where(Publication.version_id == version_id)
    with _bar(console, "publication") as (bar, task):

        def published() -> Version | None:
            with stack.context.database.read() as session:
                project = project_by_key(session, key)
                last = session.scalars(newest.where(Publication.project_id == project.id)).first()
                if last is None:
                    return None
                bar.update(task, description=f"publication: {last.state}", total=None)
                failed = last.state == PublicationState.FAILED
                if failed and (version_id is not None or project.champion_id is None):
                    raise GoldloopError(f"the publication failed: {last.reason}")
                if not failed and last.state != PublicationState.DONE:
                    return None
                return session.get(Version, project.champion_id)

        return stack_wait(stack, published, "the publication")


def stack_wait(stack: Stack, look: Callable[[], Found | None], what: str) -> Found:
    """Look until something is found; raises when a process died or patience ran out."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        stack.processes.check()
        time.sleep(LOOK_EVERY)
    raise GoldloopError(f"waited {PATIENCE:.0f} s in vain for {what}")


def wait_filled(stack: Stack, key: str, console: Console) -> int:
    """Wait until Label Studio holds the working set: full, or all that there is; open tasks."""
    with _bar(console, "filling Label Studio") as (bar, task):

        def filled() -> int | None:
            with stack.context.database.read() as session:
                project = project_by_key(session, key)
                now = open_count(session, project.id)
                enough = missing_tasks(now, settings_of(project)) == 0
                full = enough or not is_waiting(session, project.id)
            bar.update(task, completed=now, total=None)
            return now if full else None

        return stack_wait(stack, filled, "the working set in Label Studio")


def _newest(session: Session, table: type[Row], project_id: int) -> Row | None:
    found = select(table).where(table.project_id == project_id).order_by(table.id.desc())
    return session.scalars(found.limit(1)).first()


@contextmanager
def _bar(console: Console, description: str) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield bar, bar.add_task(description, total=None)
