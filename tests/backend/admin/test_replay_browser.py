"""The pages of replays in a real Chromium: one is begun and stopped by hand."""

import re

import pytest
from playwright.sync_api import expect

from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.admin.browsing import NewPage, listen
from tests.backend.admin.replay_data import measured

pytestmark = pytest.mark.real

REPLAYS = "/projects/empty/selection/replays"


def test_a_replay_is_begun_and_stopped_by_hand(new_page: NewPage, settings: Settings) -> None:
    page = new_page("/projects/empty/selection")
    page.get_by_role("link", name="Try strategies on gold that is there").click()
    page.get_by_label("Margin", exact=True).check()
    page.get_by_label("Others, with commas between").fill("mnlp:2+density")
    page.get_by_label("Rounds").fill("3")
    page.get_by_test_id("begin").click()
    expect(page.get_by_test_id("running-job")).to_contain_text("The replay is running")
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_test_id("running-job")).to_contain_text("The replay is stopping")
    its = Replay(settings.jobs / "replays" / "empty" / "1")
    assert its.config.rounds == 3
    assert {"margin", "mnlp:2+density"} <= set(its.config.mixtures)
    assert its.job.cancel_asked()


def test_curves_are_drawn_with_their_intervals_and_one_name_each(
    new_page: NewPage, settings: Settings
) -> None:
    measured(settings.jobs, 1, Result("done"))
    page = new_page("/projects/empty/selection")
    told = listen(page)
    page.goto(f"{REPLAYS}/1")
    canvas = page.locator("#replay-curves")
    page.wait_for_function("Chart.getChart(document.querySelector('#replay-curves'))")
    drawn = canvas.evaluate(
        """canvas => {
            const chart = Chart.getChart(canvas);
            const named = chart.legend.legendItems.map(item => item.text);
            const bands = chart.data.datasets.filter(one => one.fill);
            return [named, bands.map(one => one.backgroundColor)];
        }"""
    )
    assert (len(drawn[0]), len(set(drawn[0])), len(drawn[1])) == (3, 3, 3)
    assert all(re.fullmatch("#[0-9a-f]{6}22", colour) for colour in drawn[1])
    assert told == []
