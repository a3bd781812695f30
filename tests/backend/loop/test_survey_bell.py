"""The tick rings a survey when there is something new, and not again for the same."""

import pytest
from redis import Redis
from rq import Queue

from backend import jobs
from backend.context import open_context
from backend.db.session import Database
from backend.settings import Settings
from ml_backend.contract.messages import DEFAULT_QUEUE
from tests.backend.workflow.loop_data import add_project, add_trainable
from tests.servers import RedisServer

pytestmark = pytest.mark.real


def test_the_tick_rings_a_survey_for_what_is_new(
    settings: Settings,
    database: Database,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = open_context(settings)
    monkeypatch.setattr(jobs, "context", lambda: context)
    queue = Queue(DEFAULT_QUEUE, connection=Redis.from_url(settings.redis_address))
    with database.write() as session:
        project = add_project(session)
        add_trainable(session, project)

    def rung() -> bool:
        jobs.tick()
        found = [job.args for job in queue.jobs if job.func_name == "backend.jobs.survey"]
        queue.empty()
        return found == [(project.id,)]

    assert rung()
    jobs.survey(project.id)
    assert not rung()
