"""The pages of evidence in a real Chromium: every width, no violation, full and empty."""

import pytest
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document
from tests.backend.admin.evidence_data import add_evidence
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import (  # noqa: F401
    SCREENSHOTS,
    address,
    assert_fits,
    narrow_and_wide,
    sign_in,
)

pytestmark = pytest.mark.real


@pytest.fixture
def pages(filled: Database) -> list[tuple[str, str]]:
    """Addresses and the names of their screenshots."""
    number = add_evidence(filled)
    with filled.read() as session:
        pool = select(Document.id).where(Document.task_state.is_(None), Document.id != number)
        silent = session.scalars(pool).first()
    root = "/projects/general/evidence"
    return [
        (f"{root}/{number}", "evidence"),
        (f"{root}/{number}/0-3", "evidence-span"),
        (f"{root}/{silent}", "evidence-empty"),
        (f"{root}?task=99999", "evidence-find"),
    ]


def test_every_page_fits_every_width(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    pages: list[tuple[str, str]],
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, context in narrow_and_wide.items():
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda told, into=problems: into.append(told.text))
        page.on("pageerror", lambda error, into=problems: into.append(str(error)))
        sign_in(page, address)
        for path, shot in pages:
            page.goto(address + path)
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}.png", full_page=True)
        assert problems == []
        page.close()


def test_pages_have_no_serious_violation(
    chromium: Browser,
    address: str,  # noqa: F811
    pages: list[tuple[str, str]],
) -> None:
    told = {}
    for colours in ("light", "dark"):
        context = chromium.new_context(color_scheme=colours, locale="en-GB", bypass_csp=True)
        page = context.new_page()
        sign_in(page, address)
        for path, shot in pages:
            page.goto(address + path)
            told[f"{shot} {colours}"] = violations(page)
        context.close()
    assert {where: what for where, what in told.items() if what} == {}
