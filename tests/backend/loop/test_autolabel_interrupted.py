"""Ctrl-C at any moment of who leads an autolabel run: nothing is lost, and nothing there twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.session import Database
from backend.db.tables_of_autolabel import AutolabelChange, AutolabelRun
from backend.demo.stack import environment_of
from backend.settings import Settings
from tests.backend.loop.test_autolabel_runs import open_shop
from tests.servers import RedisServer

pytestmark = pytest.mark.real
LEAD = """
from backend.workflow.autolabels import chunks
from backend.cli import main
import backend.commands.autolabel
chunks.CHUNK = 12
print("ready", flush=True)
main()
"""


def test_a_run_whose_leader_is_stopped_goes_on(
    settings: Settings,
    any_database: Database,
    redis_server: RedisServer,
    trained_versions: dict[str, Path],
) -> None:
    context = Context(settings, any_database, JobQueue(settings.redis_address))
    shop = open_shop(context, trained_versions, 150)
    address = any_database.engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, **environment_of(settings), "DATABASE_URL": address}
    chance = random.Random(9)

    def lead(stored: int) -> int:
        """Start or go on, and press Ctrl-C once so many are stored; the exit status."""
        child = subprocess.Popen(
            [sys.executable, "-c", LEAD, "autolabel", "start", "shop", "--wait"],
            env={key: value for key, value in environment.items() if key != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        until = time.monotonic() + 120
        while child.poll() is None and time.monotonic() < until:
            if shop.counts().get("pending", 0) >= stored:
                # nothing is predicted meanwhile, so that it cannot come to its end
                time.sleep(chance.uniform(0, 0.5))
                os.killpg(child.pid, signal.SIGINT)
                break
            shop.predict()
            time.sleep(0.02)
        child.communicate(timeout=60)
        return child.returncode

    for stored in (0, chance.randint(1, 30)):
        assert lead(stored) != 0, "nobody stopped it"
    assert lead(len(shop.texts) + 1) == 0
    assert shop.counts() == {"pending": len(shop.texts), "predictions": len(shop.texts)}
    with any_database.read() as session:
        run = session.scalars(select(AutolabelRun).order_by(AutolabelRun.id)).first()
        assert run is not None
        assert (run.state, run.done) == ("done", len(shop.texts))
        assert shop.chunks(run) == []
        changes = session.scalar(select(func.count()).select_from(AutolabelChange))
        assert changes == len(shop.texts)
