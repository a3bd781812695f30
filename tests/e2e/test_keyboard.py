"""By keys alone, in Korean, on a narrow screen: a curator's day and an empty project, all real."""

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.admin.frame.navigation import SECTIONS
from backend.db.tables import RunState
from backend.demo.seed import make_project
from tests.e2e.curating import (
    add_curator,
    keep,
    open_by_keys,
    sign_in_by_keys,
    strike,
    tab_to,
    wait_shown,
)

pytestmark = pytest.mark.real

EMAIL = "keys@example.com"


@pytest.fixture
def page(chromium: Browser, stack):
    """Somebody's browser on a telephone, signed in by keys."""
    add_curator(stack, EMAIL)
    context = chromium.new_context(
        locale="ko-KR",
        viewport={"width": 400, "height": 800},
        base_url=stack.settings.public_url,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    sign_in_by_keys(page, stack, EMAIL)
    yield page
    context.close()


def section(page: Page, key: str, name: str) -> None:
    """Open a section by its link; it fits and breaks no rule."""
    ours = page.get_by_role("navigation", name="프로젝트")
    open_by_keys(page, ours.locator(f"a[href$='/projects/{key}{name}']"))
    keep(page, f"keys-{key}-{name.strip('/')}")


def told(page: Page, sentence: str) -> None:
    expect(page.get_by_test_id("flashes")).to_contain_text(sentence)


def test_a_day_by_keys_alone_in_korean_on_a_narrow_screen(curated, page):
    key = curated.key
    open_by_keys(page, page.locator(f"main a[href$='/projects/{key}']").first)

    # the threshold is typed or moved by arrows, and taken back
    section(page, key, "/labels")
    tab_to(page, page.locator("#slider"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    tab_to(page, page.locator("#min-support"))
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.get_by_test_id("foreseen").wait_for()
    open_by_keys(page, page.get_by_test_id("apply"))
    told(page, "레이블")
    strike(page, "u")

    # a conflict is settled, and taken back
    section(page, key, "/duplicates")
    strike(page, "o")
    strike(page, "2")
    page.get_by_test_id("decided").wait_for()
    strike(page, "u")
    page.get_by_test_id("exact").wait_for()

    # an autolabel is accepted, and taken back
    curated.wait(lambda: curated.pending() > 5, "autolabels")
    section(page, key, "/autolabel")
    while page.locator("[data-key=a]").count() == 0:  # only chance may choose that one
        strike(page, "n")
    strike(page, "a")
    told(page, "정답이 되었습니다")
    strike(page, "u")
    told(page, "되돌렸습니다")

    # an error of the champion is decided about, and taken back
    wait_shown(curated, page, f"/projects/{key}/errors", "[data-key=b]")
    section(page, key, "/errors")
    strike(page, "b")
    keep(page, "keys-error")
    strike(page, "g")
    strike(page, "u")
    expect(page.locator("[data-key=g]")).to_be_visible()

    # a training is asked for and stopped
    last_run = curated.last_run()
    section(page, key, "/models")
    open_by_keys(page, page.get_by_test_id("retrain"))
    page.get_by_test_id("cancel").first.wait_for()
    open_by_keys(page, page.get_by_test_id("cancel").first)
    run = curated.watch(after=last_run)
    assert run.state == RunState.CANCELLED

    # a release is built, and opened
    section(page, key, "/releases")
    open_by_keys(page, page.get_by_test_id("build"))
    link = page.get_by_test_id("job-done").get_by_role("link")
    link.wait_for()
    open_by_keys(page, link)
    page.get_by_test_id("everything").wait_for()

    open_by_keys(page, page.locator("form[action='/logout'] button"))
    expect(page.locator("#email")).to_be_focused()


def test_an_empty_project_is_opened_by_keys_alone(stack, page):
    make_project(stack, "bare", "빈 프로젝트")
    page.reload()
    open_by_keys(page, page.locator("main a[href$='/projects/bare']").first)
    expect(page.get_by_test_id("next-step")).to_be_visible()
    keep(page, "keys-bare-overview")
    for name, (endpoint, _title) in SECTIONS.items():
        if name != "overview":
            section(page, "bare", f"/{name}")
            assert page.locator("main .empty, main form").count(), endpoint
