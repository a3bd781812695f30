"""Children that start, are watched and stop together, with whatever they started."""

import sys
import time

import psutil
import pytest

from backend.embedded.processes import ProcessDiedError, Processes

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path):
    processes = Processes(tmp_path / "logs")
    yield processes
    processes.stop_all()


def test_stopping_leaves_nothing_that_a_child_started(processes):
    parent = processes.start("parent", [sys.executable, "-c", PARENT], {})
    log = processes.logs / "parent.log"
    while not log.read_text().strip():
        time.sleep(0.02)
    grandchild = psutil.Process(int(log.read_text()))
    processes.check()

    processes.stop_all()

    assert parent.poll() is not None
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE
    assert processes.running == {}


def test_a_child_that_died_is_told_with_the_end_of_its_log(processes):
    code = "import os; print('no ' + os.environ['WHAT']); raise SystemExit(3)"
    processes.start("brief", [sys.executable, "-c", code], {"WHAT": "database"}).wait()
    with pytest.raises(ProcessDiedError, match="brief ended with status 3") as told:
        processes.check()
    assert "no database" in str(told.value)
