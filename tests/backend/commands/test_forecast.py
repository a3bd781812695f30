"""`goldloop forecast` as people type it, and what the API tells of the same."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from backend.commands.forecast import forecast
from backend.db.session import Database
from backend.errors import InvalidInputError, NotFoundError
from backend.settings import Settings
from tests.backend.workflow.forecasts.test_backtest import ROUNDS, line, write
from tests.backend.workflow.forecasts.test_forecast import SIZES, add_version
from tests.backend.workflow.loop_data import add_project


@pytest.fixture(autouse=True)
def _filled(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Project p with eight versions, project q without."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    monkeypatch.setenv("COLUMNS", "140")
    with database.write() as session:
        project = add_project(session)
        session.add_all(add_version(project, n, size) for n, size in enumerate(SIZES))
        add_project(session, "q")


def typed(*words: str) -> Result:
    return CliRunner().invoke(forecast, list(words))


def test_a_project_is_forecast_in_a_table_and_as_json() -> None:
    told = json.loads(typed("p", "--target", "0.885", "--json").stdout)
    assert (told["target"], told["versions"], told["documents"]) == (0.885, 8, 1200)
    assert told["overall"]["documents"]["low"] > 0
    assert [one["label"] for one in told["labels"]] == ["LC", "PS"]
    picture = typed("p", "--target", "0.885").stdout
    assert "not timed" in picture
    assert "reached" in picture
    framed = [row for row in picture.splitlines() if row.startswith("│")]
    assert len({cell_len(row) for row in framed}) == 1
    assert "not reachable with these labels and this model" not in picture


def test_a_project_without_versions_is_told_what_is_missing() -> None:
    assert "three different numbers of documents" in typed("q").stdout
    assert json.loads(typed("q", "--json").stdout)["overall"]["state"] == "unknown"


def test_a_folder_of_replays_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line(n, 0.9 - 2 * n**-0.5) for n in ROUNDS]
    for replay in ("kmounlp-first", "kmounlp-second"):
        write(tmp_path / replay / "runs" / "random-1", lines[:6])
    told = json.loads(typed("--backtest", str(tmp_path), "--json").stdout)
    assert (told["runs"], told["overall"]["forecasts"]) == (2, 12)
    assert told["met"] is False  # too few
    assert "kmounlp-second/random-1" in typed("--backtest", str(tmp_path)).stdout


@pytest.mark.parametrize("words", [[], ["p", "--backtest", "."]])
def test_a_project_or_a_folder_is_named(words: list[str]) -> None:
    assert isinstance(typed(*words).exception, InvalidInputError)


def test_what_is_no_target_and_no_project_is_refused() -> None:
    assert isinstance(typed("p", "--target", "1.2").exception, InvalidInputError)
    assert isinstance(typed("p", "--target", "nan").exception, InvalidInputError)
    assert isinstance(typed("none").exception, NotFoundError)
