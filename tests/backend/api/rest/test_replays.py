"""Replays by the API: what the pages do."""

import pytest

from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.admin.replay_data import measured


@pytest.fixture
def ask(filled, program):
    return program("curator")


def test_replays_by_the_api_are_the_pages_own(ask, settings: Settings) -> None:
    where = "/projects/empty/replays"
    assert ask("GET", where).json == {"items": [], "next": None}
    answer = ask("POST", where, json={"strategies": ["mnlp"], "rounds": 2})
    assert answer.status_code == 202
    assert (answer.json["strategies"], answer.json["state"]) == (["random", "mnlp"], None)
    assert ask("POST", where, json={}).status_code == 409
    assert ask("POST", where, json={"strategies": ["luck"]}).status_code in (400, 422)
    assert ask("POST", f"{where}/1/cancel").status_code == 200
    its = Replay(settings.jobs / "replays" / "empty" / "1")
    its.job.write_result(Result("cancelled"))
    assert ask("POST", f"{where}/1/go-on").json["state"] is None
    measured(settings.jobs, 2, Result("done"))
    told = ask("GET", f"{where}/2").json
    assert told["report"]["recommended"] == "mnlp"
    assert len(told["curves"]["mnlp"]["1"]) == 4
    assert ask("GET", f"{where}/9").status_code == 404
