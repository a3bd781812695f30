"""The backtest on curves whose truth is known, and what it reads of a replay."""

import json
import math
import random
from pathlib import Path

import pytest

from backend.errors import InvalidInputError
from backend.workflow.forecasts.backtest import Round, backtest, read_curves, tries

ROUNDS = tuple(range(60, 601, 60))


def run(seed: int, *, jump: float = 0.0) -> list[Round]:
    """A run that follows a power law, with noise; after half of it comes a jump."""
    chance = random.Random(seed)
    ceiling, scale, exponent = chance.uniform(0.7, 0.9), chance.uniform(1, 2), 0.4
    minutes, rounds = 0.0, []
    for documents in ROUNDS:
        minutes += 60 * chance.gauss(0.5, 0.04)
        f1 = ceiling - scale * documents**-exponent + chance.gauss(0, 0.012)
        f1 += jump * (documents > 300)
        labels = {"PS": (max(0.0, f1 + 0.02), 300), "LC": (max(0.0, f1 - 0.02), 300), "X": (0.1, 9)}
        rounds.append(Round(documents, minutes, max(0.0, f1), labels))
    return rounds


def test_ranges_hold_what_came_of_curves_as_they_are_expected() -> None:
    found = backtest({f"random-{seed}": run(seed) for seed in range(6)})
    assert found.runs == 6
    assert found.overall.forecasts == 6 * 28  # 7 + 6 + … + 1 of each
    assert found.labels.forecasts == 2 * 6 * 28  # X is judged on too little
    assert 0.75 <= found.overall.documents <= 1
    assert 0.75 <= found.overall.minutes <= 1
    assert set(found.by_run) == {f"random-{seed}" for seed in range(6)}
    assert json.loads(json.dumps(found.to_dict()))["met"] == found.met


def test_what_nothing_foretold_is_not_held() -> None:
    calm, jumped = (
        backtest({str(seed): run(seed, jump=jump) for seed in range(4)}) for jump in (0, 0.25)
    )
    assert jumped.overall.documents < calm.overall.documents
    assert not jumped.met


def test_too_few_forecasts_meet_no_bar() -> None:
    assert not backtest({"one": run(1)}).met  # 28 of 60


def test_a_forecast_sees_nothing_of_later_rounds() -> None:
    rounds = run(3)
    known = [one for one in tries("r", rounds[:6]) if one.documents == rounds[4].documents]
    more = [one for one in tries("r", rounds) if one.documents == rounds[4].documents]
    later = {rounds[5].documents}
    assert known == [one for one in more if one.later in later]


def test_rounds_without_minutes_are_not_forecast_in_minutes() -> None:
    rounds = [Round(one.documents, 0.0, one.f1, one.per_label) for one in run(2)]
    found = backtest({"r": rounds})
    assert found.overall.minutes is None
    assert found.overall.documents is not None


def line(documents: int, f1: float, **more: object) -> dict[str, object]:
    per_label = {"PS": {"f1": f1, "support": 40}}
    spent = {"entities": 2 * documents, "edits": documents, "minutes": documents / 2}
    return {"documents": documents, "f1": f1, "per_label": per_label, **spent, **more}


def write(folder: Path, lines: list[dict[str, object]]) -> None:
    folder.mkdir(parents=True)
    content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    (folder / "curve.jsonl").write_text(content, "utf-8")


def test_curves_are_read_from_replays(tmp_path: Path) -> None:
    lines = [line(n, 0.9 - 2 / math.sqrt(n), round=n, interval=[0, 1]) for n in ROUNDS]
    write(tmp_path / "a" / "runs" / "mnlp-1", lines)
    write(tmp_path / "a" / "runs" / "full-1", lines[-1:])  # one round: nothing to forecast
    write(tmp_path / "b" / "runs" / "mnlp-1", lines[:5])
    found = read_curves(tmp_path)
    assert {name: len(rounds) for name, rounds in found.items()} == {
        "a/full-1": 1,
        "a/mnlp-1": 10,
        "b/mnlp-1": 5,
    }
    assert found["a/mnlp-1"][0].per_label == {"PS": (pytest.approx(0.9 - 2 / 60**0.5), 40)}
    by_run = backtest(found).by_run
    assert {name: its.forecasts for name, its in by_run.items()} == {"a/mnlp-1": 28, "b/mnlp-1": 3}


def test_what_is_no_replay_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no curve\.jsonl"):
        read_curves(tmp_path)
    write(tmp_path / "short", [line(100, 0.5)])
    with pytest.raises(InvalidInputError, match="4 rounds"):
        backtest(read_curves(tmp_path))
    write(tmp_path / "broken", [{"documents": 3}])
    with pytest.raises(InvalidInputError, match="holds no learning curve"):
        read_curves(tmp_path)
