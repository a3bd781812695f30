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
STOPS = 2
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
    chance, ended = random.Random(9), []

    def lead(seconds: float) -> int:
        """Start or go on, and press Ctrl-C after so long; the exit status."""
        child = subprocess.Popen(
            [sys.executable, "-c", LEAD, "autolabel", "start", "shop", "--wait"],
            env={key: value for key, value in environment.items() if key != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        until = time.monotonic() + seconds
        while child.poll() is None and time.monotonic() < until:
            shop.predict()
            time.sleep(0.02)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=60)
        return child.returncode

    while shop.counts().get("pending", 0) < len(shop.texts) and len(ended) < STOPS:
        ended.append(lead(chance.uniform(0, 1.5)))
    assert lead(120) == 0
    assert any(ended)  # some were stopped
    assert shop.counts() == {"pending": len(shop.texts), "predictions": len(shop.texts)}
    with any_database.read() as session:
        run = session.scalars(select(AutolabelRun).order_by(AutolabelRun.id)).first()
        assert run is not None
        assert (run.state, run.done) == ("done", len(shop.texts))
        assert shop.chunks(run) == []
        changes = session.scalar(select(func.count()).select_from(AutolabelChange))
        assert changes == len(shop.texts)
