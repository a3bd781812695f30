"""The page of selection in a real Chromium: a mixture is set by hand."""

import pytest
from playwright.sync_api import expect

from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from tests.backend.admin.browsing import NewPage
from tests.backend.admin.selection_data import add_batches

pytestmark = pytest.mark.real


SELECTION = "/projects/empty/selection"


@pytest.fixture(autouse=True)
def _batches(filled: Database) -> None:
    with filled.write() as session:
        add_batches(session, project_by_key(session, "empty"))


def test_a_mixture_is_set_by_hand(new_page: NewPage, filled: Database) -> None:
    page = new_page(SELECTION)
    expect(page.get_by_label("Least confidence (MNLP)", exact=True)).to_be_visible()
    expect(page.get_by_label("Margin", exact=True)).to_be_hidden()
    page.get_by_text("What the tagger is unsure of").click()
    page.get_by_label("Margin", exact=True).fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved yet")
    field = page.get_by_label("Margin", exact=True)
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("2")
    page.get_by_text("Labels, time and the control").click()
    page.get_by_label("Cost", exact=True).fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("The strategies are saved")
    with filled.read() as session:
        mixture = settings_of(project_by_key(session, "empty")).selection
    assert mixture == {"mnlp": 1.0, "margin": 2.0, "cost": 1.0}
