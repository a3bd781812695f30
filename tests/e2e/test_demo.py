"""`goldloop demo` as it is typed: one checked turn of the loop, a second start, nothing left."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.first_training import F1_BAR

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

STAGES = ("correct", "retrain", "gate", "publish", "pre-labels", "export")
GOLDLOOP = str(Path(sys.executable).with_name("goldloop"))


def left_behind(home: Path) -> list[str]:
    """Processes of this home that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("GOLDLOOP_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_one_turn_then_a_second_start(tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "GOLDLOOP_HOME": str(home)}

    turn = subprocess.run(
        [GOLDLOOP, "demo", "--check"], env=environment, capture_output=True, text=True, check=False
    )
    assert turn.returncode == 0, turn.stdout + turn.stderr
    for stage in STAGES:
        assert re.search(rf"✓ {stage}\b", turn.stdout), turn.stdout
    told = re.search(r"strict micro F1 (0\.\d+) → (0\.\d+)", turn.stdout)
    assert told, turn.stdout
    assert F1_BAR <= float(told[1]) < float(told[2])  # the first training is worth showing
    assert left_behind(home) == []

    log = tmp_path / "second.log"
    with log.open("w") as output:
        second = subprocess.Popen([GOLDLOOP, "demo"], env=environment, stdout=output)
    deadline = time.monotonic() + 300
    while "the next start continues here" not in log.read_text():
        assert second.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)
    assert "training" not in log.read_text()  # the first start's version is there
    second.send_signal(signal.SIGINT)
    second.send_signal(signal.SIGINT)  # an impatient hand changes nothing
    second.wait(120)
    assert left_behind(home) == []
