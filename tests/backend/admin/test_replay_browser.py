"""The pages of replays in a real Chromium: one is begun and stopped by hand."""

import pytest
from playwright.sync_api import expect

from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from tests.backend.admin.browsing import NewPage

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
