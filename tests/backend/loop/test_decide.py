"""Which waiting run a curator may decide: one rule for the page, its action and the command."""

import pytest

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db import runs
from backend.db.overview import project_overview
from backend.db.session import Database
from backend.db.tables import Project, Publication, Run, RunState, Version, VersionState
from backend.errors import ConflictError
from backend.loop import training
from backend.settings import Settings


@pytest.fixture
def context(settings: Settings, database: Database) -> Context:
    return Context(settings, database, JobQueue(settings.redis_address))


def runs_of(database: Database, *states: RunState) -> list[int]:
    """A project's runs in these states, each with a version of its own; oldest first."""
    with database.write() as session:
        project = Project(key="news", name="News", label_config="<View/>", labels=["PS"])
        session.add(project)
        session.flush()
        made = []
        for number, state in enumerate(states, start=1):
            version = Version(project_id=project.id, name=f"v{number}")
            session.add(version)
            session.flush()
            run = Run(project_id=project.id, state=state, asked_by="x", version_id=version.id)
            session.add(run)
            session.flush()
            made.append(run.id)
        return made


def shown(database: Database) -> int | None:
    """The run that page and rule name; they must name the same."""
    with database.read() as session:
        project = session.query(Project).one()
        page = project_overview(session, project).waiting_run
        assert page is runs.waiting_run(session, project.id)
        return page.id if page is not None else None


@pytest.mark.parametrize(
    "later", [RunState.FAILED, RunState.CANCELLED, RunState.QUEUED, RunState.TRAINING]
)
def test_a_later_run_that_was_not_judged_leaves_the_decision_open(
    context: Context, database: Database, later: RunState
):
    waiting, _ = runs_of(database, RunState.WAITING, later)
    assert shown(database) == waiting
    training.decide(context, waiting, promote=False, asked_by="a test")
    assert shown(database) is None
    with database.read() as session:
        assert session.get_one(Run, waiting).state == RunState.REFUSED


@pytest.mark.parametrize("later", [RunState.PROMOTED, RunState.REFUSED, RunState.WAITING])
@pytest.mark.parametrize("promote", [True, False])
def test_a_later_run_that_was_judged_takes_the_decision_away(
    context: Context, database: Database, later: RunState, promote: bool
):
    old, new = runs_of(database, RunState.WAITING, later)
    assert shown(database) == (new if later == RunState.WAITING else None)
    with pytest.raises(ConflictError, match="a later run has been judged"):
        training.decide(context, old, promote=promote, asked_by="a test")
    with database.read() as session:
        run = session.get_one(Run, old)
        assert (run.state, run.reason) == (RunState.WAITING, "")
        assert session.get_one(Version, run.version_id).state == VersionState.CANDIDATE
        assert session.query(Publication).count() == 0
