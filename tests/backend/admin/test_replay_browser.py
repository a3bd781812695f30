"""The pages of replays in a real Chromium: one is begun by hand; widths, colours, the chart."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.admin.replay_data import measured
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import assert_fits, sign_in

pytestmark = pytest.mark.real

REPLAYS = "projects/empty/selection/replays"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_replay_is_begun_and_stopped_by_hand(
    chromium: Browser, address: str, settings: Settings
) -> None:
    page = chromium.new_context(locale="en-GB").new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/empty/selection")
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
    page.context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_pages_fit_every_width_and_have_no_serious_violation(
    chromium: Browser, address: str, settings: Settings, colours: str
) -> None:
    measured(settings.jobs, 1, Result("done"))
    measured(settings.jobs, 2, Result("failed", "round 2, train: the disk is full"))
    measured(settings.jobs, 3, None)
    page = chromium.new_context(
        locale="en-GB",
        color_scheme=colours,
        bypass_csp=True,  # type: ignore[arg-type]
    ).new_page()
    sign_in(page, address)
    told = {}
    for path in (REPLAYS, *(f"{REPLAYS}/{number}" for number in (1, 2, 3))):
        for width in (1440, 400):  # loaded anew: a chart takes a while to follow the window
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/{path}")
            page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
            assert_fits(page)
            told[f"{path} {width}"] = violations(page)
    assert {where: found for where, found in told.items() if found} == {}
    page.context.close()
