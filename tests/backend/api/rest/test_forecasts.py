"""What the API tells of a target F1 is what the page tells."""

import pytest


@pytest.fixture
def ask(program):
    return program("curator")


def test_a_target_is_forecast_for_all_and_each_label(ask, filled) -> None:
    told = ask("GET", "/projects/general/forecast?target=0.9")
    assert told.status_code == 200
    assert told.json["target"] == 0.9
    assert told.json["overall"]["label"] == ""
    assert ask("GET", "/projects/general/forecast").json["target"] < 1
    assert ask("GET", "/projects/empty/forecast").json["overall"]["state"] == "unknown"


@pytest.mark.parametrize("target", ["0", "1", "nan", "much"])
def test_what_is_no_f1_is_a_mistake(ask, target: str) -> None:
    assert ask("GET", f"/projects/general/forecast?target={target}").status_code == 422
