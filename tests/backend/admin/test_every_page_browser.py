"""Every page in a real Chromium: both languages, all widths, everybody's tools, no JavaScript."""

import re
from collections.abc import Mapping

import pytest
from flask import Flask
from playwright.sync_api import Page

from backend.admin.frame.permissions import ALLOWED
from backend.db.session import Database
from backend.db.tables import Role
from backend.settings import Settings
from tests.backend.admin.browsing import (
    BUT_COLOURS,
    COLOURS,
    SCREENSHOTS,
    WIDTHS,
    NewPage,
    assert_fits,
    assert_focus_seen,
    listen,
    unfold,
    violations,
)
from tests.backend.admin.filled import LONG
from tests.backend.admin.whole import fill_queues, whole_pages

pytestmark = pytest.mark.real

LOCALES = {"en": "en-GB", "ko": "ko-KR"}
KEPT = (WIDTHS[0], WIDTHS[-1])  # the widths of which screenshots are kept
MOST_TABS = 60
AGO = re.compile(r"just now|\d+ \w+ ago")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Label Studio has an address, so that pages lead to it."""
    return settings.model_copy(update={"label_studio_public_url": "http://labels.example.com"})


@pytest.fixture
def filled(whole: Database) -> Database:
    return whole


@pytest.fixture
def pages(app: Flask, filled: Database) -> dict[str, str]:
    return whole_pages(app, filled)


def look(page: Page, pages: Mapping[str, str], kept: str) -> dict[str, list[str]]:
    """Look at pages, name → path, at every width: each fits, breaks no rule, logs no error.

    Colours are the same at every width, and have a test of their own. Leaves a screenshot of each
    as it is opened, with `kept` in its name, and looks at it with what can be folded open. Returns
    what is wrong, by page.
    """
    told = listen(page)
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        page.goto(path)
        wait_drawn(page)
        for width in KEPT:
            page.set_viewport_size({"width": width, "height": 900})
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{kept}.png", full_page=True)
        unfold(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert_fits(page)
            found[f"{name} at {width}"] = violations(page, BUT_COLOURS)
        found[f"{name}: console"] = [said for said in told if "status of 404" not in said]
        told.clear()
    return {where: what for where, what in found.items() if what}


def wait_drawn(page: Page) -> None:
    """Wait until every chart has ink on its canvas."""
    page.wait_for_function("""[...document.querySelectorAll("canvas")].every(one => one
        .getContext("2d").getImageData(0, 0, one.width, one.height).data.some(ink => ink))""")


@pytest.mark.usefixtures("redis_server")
@pytest.mark.parametrize("language", LOCALES)
def test_every_page_fits_every_width_and_has_no_serious_violation(
    new_page: NewPage, pages: dict[str, str], settings: Settings, language: str
) -> None:
    fill_queues(settings)
    page = new_page(email=LONG, locale=LOCALES[language])
    assert page.locator("html").get_attribute("lang") == language
    assert look(page, pages, language) == {}


def test_what_annotators_may_open_is_so_too(
    app: Flask, new_page: NewPage, pages: dict[str, str]
) -> None:
    adapter = app.url_map.bind("localhost")
    own = {
        name: path
        for name, path in pages.items()
        if ALLOWED[adapter.match(path.partition("?")[0])[0]] == Role.ANNOTATOR
        and "/projects/empty" not in path
    }
    page = new_page(email="annotator@example.com")
    assert look(page, own, "annotator") == {}


def test_colours_stand_apart(new_page: NewPage, pages: dict[str, str]) -> None:
    page, found = new_page(email=LONG), {}
    for name, path in pages.items():
        page.goto(path)
        unfold(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[f"{name} in {scheme} colours"] = violations(page, COLOURS)
    assert {where: what for where, what in found.items() if what} == {}


def test_tab_comes_by_nothing_unseen(new_page: NewPage, pages: dict[str, str]) -> None:
    page = new_page(email=LONG, viewport={"width": 400, "height": 800})
    for name, path in pages.items():
        if name.endswith("empty"):
            continue  # has nothing that the full ones have not
        page.goto(path)
        for _ in range(MOST_TABS):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break  # once round
            assert_focus_seen(page)


def test_without_javascript_every_page_reads_the_same(
    new_page: NewPage, pages: dict[str, str]
) -> None:
    page, plain = new_page(email=LONG), new_page(email=LONG, java_script_enabled=False)
    for name, path in pages.items():
        page.goto(path)
        plain.goto(path)
        with_it, without = (AGO.sub("", one.locator("main").inner_text()) for one in (page, plain))
        assert without == with_it, name
        assert without.strip(), name
