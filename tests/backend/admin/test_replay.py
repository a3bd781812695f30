"""The pages of replays: begun, looked at, stopped, gone on with, made use of."""

import json
from html import unescape

import pytest
from flask.testing import FlaskClient

from backend.db.audit_log import audit_entries
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.replay_data import measured

ADDRESS = "/projects/empty/selection/replays"
SIZES = {"rounds": "2", "batch": "50", "start": "40", "seeds": "2"}


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def send(client: FlaskClient, where: str = "", **fields: object) -> str:
    """Post a form, and give the page that it leads to."""
    token = token_in(client.get(ADDRESS).text)
    data = {"csrf_token": token, **fields}
    return client.post(f"{ADDRESS}{where}", data=data, follow_redirects=True).text


def folder(settings: Settings, number: int = 1) -> Replay:
    return Replay(settings.jobs / "replays" / "empty" / str(number))


def test_a_replay_is_begun_with_what_was_ticked_and_typed(
    curator: FlaskClient, settings: Settings, filled: Database
) -> None:
    assert "No replay yet." in curator.get(ADDRESS).text
    page = send(
        curator, **SIZES, strategies=["mnlp", "badge"], more="mnlp:2+density, ", cost="edits"
    )
    assert "The replay is running" in page
    config = folder(settings).config
    assert list(config.mixtures) == ["random", "mnlp", "badge", "mnlp:2+density"]
    assert (config.rounds, config.batch, config.start, config.seeds) == (2, 50, 40, 2)
    assert (config.cost, config.project, config.asked_by) == (
        "edits",
        "empty",
        "curator@example.com",
    )
    assert "Replay 1" in curator.get(ADDRESS).text
    with filled.read() as session:
        assert audit_entries(session, limit=1)[0].action == "replay.begin"
    assert "under way" in send(curator, **SIZES, strategies=["mnlp"])
    assert not folder(settings, 2).path.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"rounds": "0"}, {"seeds": "many"}, {"more": "luck"}, {"more": "mnlp:0"}, {"cost": "money"}],
)
def test_what_cannot_be_replayed_is_refused(
    curator: FlaskClient, settings: Settings, wrong: dict[str, str]
) -> None:
    page = send(curator, **{**SIZES, **wrong})
    assert 'class="notice error"' in page or "error" in page
    assert not folder(settings).path.exists()


def test_a_replay_shows_its_table_its_curves_and_what_it_recommends(
    curator: FlaskClient, settings: Settings
) -> None:
    measured(settings.jobs, 1, Result("done", figures={"rounds": 39, "of": 39}))
    page = curator.get(f"{ADDRESS}/1").text
    assert "Recommended: Least confidence (MNLP)" in page
    assert "On this gold it gains" in page
    assert page.count("<canvas") == 1
    assert "Minutes, estimated" in curator.get(f"{ADDRESS}/1?cost=seconds").text
    assert curator.get(f"{ADDRESS}/1?cost=money").status_code == 404
    assert curator.get(f"{ADDRESS}/2").status_code == 404
    assert curator.get(f"{ADDRESS}/1/curves.png").status_code == 404  # no worker drew it


def test_curves_have_their_intervals_over_seeds(curator: FlaskClient, settings: Settings) -> None:
    measured(settings.jobs, 1, Result("done"))
    page = curator.get(f"{ADDRESS}/1").text
    sets = json.loads(unescape(page.split('data-chart="')[1].split('"')[0]))["data"]["datasets"]
    names = [one["label"] for one in sets]
    assert names == [name for name in dict.fromkeys(names) for _ in range(3)]
    for mean, low, high in zip(sets[::3], sets[1::3], sets[2::3], strict=True):
        assert ("band" in mean, low["band"], high["band"]) == (False, True, True)
        for point, below, above in zip(mean["data"], low["data"], high["data"], strict=True):
            assert below["x"] == point["x"] == above["x"]
            assert below["y"] == point["low"] < point["y"] < point["high"] == above["y"]
    table = page.split('id="replay-curves-table"')[1].split("</table>")[0]
    assert table.count("<tr>") == sum(len(one["data"]) for one in sets[::3])
    assert table.count(" – ") == table.count("<tr>")


def test_no_better_than_random_is_said(curator: FlaskClient, settings: Settings) -> None:
    measured(settings.jobs, 1, Result("done"), gain=0.0)
    page = curator.get(f"{ADDRESS}/1").text
    assert "Recommended: Random" in page
    assert "No strategy is surely better than random" in page


def test_what_is_recommended_is_chosen_by_from_then_on(
    curator: FlaskClient, settings: Settings, filled: Database
) -> None:
    measured(settings.jobs, 1, Result("done"))
    assert "The strategies are saved" in send(curator, "/1/use", strategy="cost+mnlp")
    with filled.read() as session:
        assert settings_of(project_by_key(session, "empty")).selection == {"cost": 1, "mnlp": 1}
    assert "no strategy" in send(curator, "/1/use", strategy="margin")


def test_a_replay_is_stopped_and_gone_on_with(curator: FlaskClient, settings: Settings) -> None:
    its = measured(settings.jobs, 1, None)
    assert "The replay is stopping" in send(curator, "/1/cancel")
    assert its.job.cancel_asked()
    its.job.write_result(Result("cancelled", "cancelled on request"))
    assert "The replay was stopped." in curator.get(f"{ADDRESS}/1").text
    assert "has ended" in send(curator, "/1/cancel")
    assert "The replay is running" in send(curator, "/1/go-on")
    assert not its.job.cancel_asked()
    assert "has not been stopped" in send(curator, "/1/go-on")


def test_the_reason_of_a_failure_is_told(curator: FlaskClient, settings: Settings) -> None:
    measured(settings.jobs, 1, Result("failed", "round 2, train: the disk is full"))
    assert "the disk is full" in curator.get(f"{ADDRESS}/1").text
