"""`goldloop replay` starts a Redis and workers of its own, and goes on where it ended."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.commands.replay import replay
from backend.sample.generate import generate

SMALL = ("min_steps=8", "max_steps=8", "hidden=8", "looks=1", "calibration=none")


def run(*given: str) -> Result:
    options = [option for setting in SMALL for option in ("--set", setting)]
    return CliRunner().invoke(replay, [*given, *options])


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for one in generate(400, seed=5):
            entities = [{"start": e.start, "end": e.end, "label": e.label} for e in one.entities]
            file.write(json.dumps({"text": one.text, "entities": entities}) + "\n")
    return path


@pytest.mark.real
def test_a_replay_ends_with_a_recommendation_and_is_not_done_twice(
    gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDLOOP_HOME", str(tmp_path / "elsewhere"))
    asked = ("--data", str(gold), "--out", str(tmp_path / "out"), "--seeds", "1", "--rounds", "1")
    asked += ("--strategies", "mnlp", "--start", "20", "--batch", "20")
    first = run(*asked, "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert told["state"] == "done"
    assert told["recommended"] == "random"  # one seed says nothing
    assert {row["strategy"] for row in told["rows"]} == {"random", "mnlp"}
    curve = (tmp_path / "out/runs/mnlp-1/curve.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["documents"] for line in curve] == [20, 40]
    again = run(*asked)
    assert again.exit_code == 0
    assert "recommended: random" in again.output
    assert (tmp_path / "out/runs/mnlp-1/curve.jsonl").read_text("utf-8").splitlines() == curve


def test_a_folder_holds_one_replay_and_a_strategy_must_be_known(gold: Path, tmp_path: Path) -> None:
    refused = run("--data", str(gold), "--out", str(tmp_path / "out"), "--strategies", "luck")
    assert refused.exit_code == 1
    assert "luck" in str(refused.exception)
    assert not (tmp_path / "out" / "config.json").exists()
