"""Two curators in two browsers, on the real stack, at one thing at once: the second is told, and
nothing of the first is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from backend.db.tables import Document, Gold, Project
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_errors import ErrorDecision
from backend.workflow.duplicates.normal_form import group_key
from tests.e2e.curating import add_curator, sign_in_by_keys, strike, wait_shown

pytestmark = pytest.mark.real

FIRST, SECOND = "first@example.com", "second@example.com"
TEXT = "이순신은 한산도에서 거북선을 띄웠다."


@pytest.fixture
def both(chromium: Browser, stack) -> Iterator[tuple[Page, Page]]:
    """Each in a browser context of their own."""
    contexts, pages = [], []
    for email in (FIRST, SECOND):
        add_curator(stack, email)
        context = chromium.new_context(locale="en-GB", base_url=stack.settings.public_url)
        contexts.append(context)
        pages.append(context.new_page())
        pages[-1].set_default_timeout(60_000)
        sign_in_by_keys(pages[-1], stack, email)
    yield pages[0], pages[1]
    for context in contexts:
        context.close()


def refused(page: Page) -> Locator:
    return page.get_by_test_id("flashes").locator(".error")


def test_a_conflict_is_settled_by_the_first(curated, both):
    first, second = both
    with curated.stack.context.database.read() as session:
        its = select(Document).where(Document.group_key == group_key(TEXT))
        document = session.scalars(its.order_by(Document.id)).first()
    for page in both:
        page.goto(f"/projects/{curated.key}/duplicates/{document.id}")
        page.get_by_test_id("exact").wait_for()
    strike(first, "1")
    first.get_by_test_id("decided").wait_for()
    decided = gold_of(curated, document.id)

    strike(second, "2")
    expect(refused(second)).to_be_visible()
    expect(second.get_by_test_id("decided")).to_contain_text(FIRST)
    assert gold_of(curated, document.id) == decided

    strike(first, "u")  # the first may take it back


def test_an_autolabel_is_decided_by_the_first(curated, both):
    first, second = both
    curated.wait(lambda: curated.pending() > 5, "autolabels")
    for page in both:
        page.goto(f"/projects/{curated.key}/autolabel")
    while first.locator("[data-key=a]").count() == 0:
        for page in both:
            strike(page, "n")
    number = int(first.get_by_test_id("item").first.get_attribute("data-document"))
    assert int(second.get_by_test_id("item").first.get_attribute("data-document")) == number
    strike(first, "a")

    strike(second, "r")
    expect(refused(second)).to_be_visible()
    with curated.stack.context.database.read() as session:
        item = session.scalars(select(Autolabel).where(Autolabel.document_id == number)).one()
        assert (item.state, item.changed_by) == (AutolabelState.BY_PERSON, FIRST)

    strike(first, "u")


def test_an_error_is_decided_by_the_first(curated, both):
    first, second = both
    for page in both:
        wait_shown(curated, page, f"/projects/{curated.key}/errors", "[data-key=b]")
        strike(page, "b")
    assert first.url == second.url
    number = int(first.url.rpartition("/")[2])
    before = gold_of(curated, number)
    strike(first, "g")

    strike(second, "m")
    expect(refused(second)).to_contain_text(FIRST)
    assert gold_of(curated, number) == before
    with curated.stack.context.database.read() as session:
        its = select(ErrorDecision).join(Project).where(Project.key == curated.key)
        made = session.scalars(its.where(ErrorDecision.document_id == number)).all()
    assert [(one.made_by, one.verdict) for one in made if one.withdrawn_at is None] == [
        (FIRST, "gold")
    ]

    strike(first, "u")


def gold_of(curated, number: int) -> tuple[int, str, list[dict[str, object]]]:
    with curated.stack.context.database.read() as session:
        gold = session.get_one(Gold, number)
        return gold.revision, gold.source, gold.entities
