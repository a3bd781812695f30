"""Two curators in two browsers, on the real stack, at one thing at once: the second is told, and
nothing of the first is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from backend.db.tables import Document, Gold, GoldSource
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_errors import ErrorDecision
from backend.workflow.duplicates.normal_form import group_key
from tests.e2e.curating import add_curator, sign_in_by_keys, strike, wait_shown

pytestmark = pytest.mark.real

EMAILS = "one@example.com", "other@example.com"
TEXT = "이순신은 한산도에서 거북선을 띄웠다."


@pytest.fixture
def both(chromium: Browser, stack) -> Iterator[tuple[Page, Page]]:
    """Each in a browser context of their own."""
    contexts, pages = [], []
    for email in EMAILS:
        add_curator(stack, email)
        context = chromium.new_context(locale="en-GB", base_url=stack.settings.public_url)
        contexts.append(context)
        pages.append(context.new_page())
        pages[-1].set_default_timeout(60_000)
        sign_in_by_keys(pages[-1], stack, email)
    yield pages[0], pages[1]
    for context in contexts:
        context.close()


def strike_at_once(both: tuple[Page, Page], keys: str) -> tuple[Page, str, Page]:
    """Each strikes a key before either is answered: who was first, what was struck, who is told."""
    for page in both:
        page.wait_for_load_state("load")
    for page, key in zip(both, keys, strict=True):
        page.keyboard.press(key)
    for page in both:
        page.get_by_test_id("flashes").wait_for()
    (first,) = (number for number, page in enumerate(both) if not refused(page).count())
    return both[first], keys[first], both[1 - first]


def refused(page: Page) -> Locator:
    return page.get_by_test_id("flashes").locator(".error")


def email_of(page: Page, both: tuple[Page, Page]) -> str:
    return EMAILS[both.index(page)]


def test_a_conflict_is_settled_by_the_first(curated, both):
    with curated.stack.context.database.read() as session:
        its = select(Document).where(Document.group_key == group_key(TEXT))
        number = session.scalars(its.order_by(Document.id)).first().id
    for page in both:
        page.goto(f"/projects/{curated.key}/duplicates/{number}")
        page.get_by_test_id("exact").wait_for()
    first, reading, second = strike_at_once(both, "12")
    expect(second.get_by_test_id("decided")).to_contain_text(email_of(first, both))
    with curated.stack.context.database.read() as session:
        assert len(session.get_one(Gold, number).entities) == int(reading)
    strike(first, "u")  # the first may take it back


def test_an_autolabel_is_decided_by_the_first(curated, both):
    curated.wait(lambda: curated.pending() > 5, "autolabels")
    for page in both:
        page.goto(f"/projects/{curated.key}/autolabel")
        while page.locator("[data-key=a]").count() == 0:  # only chance may choose that one
            strike(page, "n")
    numbers = [one.get_by_test_id("item").first.get_attribute("data-document") for one in both]
    assert numbers[0] == numbers[1]
    first, key, _second = strike_at_once(both, "ar")
    wanted = {"a": AutolabelState.BY_PERSON, "r": AutolabelState.REJECTED}[key]
    with curated.stack.context.database.read() as session:
        its = select(Autolabel).where(Autolabel.document_id == int(numbers[0]))
        item = session.scalars(its).one()
        assert (item.state, item.changed_by) == (wanted, email_of(first, both))
        assert (session.get(Gold, item.document_id) is not None) == (key == "a")
    strike(first, "u")


def test_an_error_is_decided_by_the_first(curated, both):
    for page in both:
        wait_shown(curated, page, f"/projects/{curated.key}/errors", "[data-key=b]")
        strike(page, "b")
    assert both[0].url == both[1].url
    number = int(both[0].url.rpartition("/")[2])
    first, key, second = strike_at_once(both, "gm")
    expect(refused(second)).to_contain_text("has decided already" if key == "g" else "gold")
    with curated.stack.context.database.read() as session:
        its = select(ErrorDecision).where(
            ErrorDecision.document_id == number, ErrorDecision.withdrawn_at.is_(None)
        )
        made = session.scalars(its).one()
        assert (made.made_by, made.verdict[0]) == (email_of(first, both), key)
        assert (session.get_one(Gold, number).source == GoldSource.DECISION) == (key == "m")
    strike(first, "u")
