"""The page of labels in a real Chromium: the slider, undo by key, without JavaScript."""

import pytest
from playwright.sync_api import expect

from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.loop.survey import take_survey
from tests.backend.admin.browsing import NewPage, press
from tests.backend.admin.gold_data import PERSON, PLACE, add_gold_documents

pytestmark = pytest.mark.real

LABELS = "/projects/empty/labels"


@pytest.fixture(autouse=True)
def _gold(filled: Database) -> None:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        add_gold_documents(session, project)
        project_id = project.id
    take_survey(filled, project_id)


def minimum(database: Database) -> int | None:
    with database.read() as session:
        return settings_of(project_by_key(session, "empty")).min_support


def test_the_slider_moves_the_threshold_its_line_and_what_is_foreseen(
    new_page: NewPage, filled: Database
) -> None:
    page = new_page(LABELS)
    slider = page.get_by_role("slider", name="Minimum support")
    slider.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    typed = page.get_by_label("Minimum support, in gold entities")
    threshold = int(typed.input_value())
    assert 2 < threshold < 10
    expect(page.get_by_test_id("foreseen")).to_contain_text("are left out")
    line = "Chart.getChart('balance-chart').data.datasets[0].data[0]"
    assert page.evaluate(line) == threshold
    expect(page).to_have_url(f"{LABELS}?min_support={threshold}&how=merge")
    page.get_by_role("button", name=f"Set the minimum to {threshold}").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("The labels are changed")
    assert minimum(filled) == threshold
    press(page, "u")
    expect(page.get_by_test_id("flashes")).to_contain_text("as they were")
    assert minimum(filled) is None


def test_a_merge_is_foreseen_and_done_without_javascript(new_page: NewPage) -> None:
    page = new_page(LABELS, java_script_enabled=False)
    page.get_by_label("Label", exact=True).select_option(PERSON)
    page.get_by_label("Into, or its new name").fill(PLACE)
    page.get_by_role("button", name="What would change").click()
    expect(page.get_by_test_id("foreseen")).to_contain_text("3 gold entities in 2 documents")
    page.get_by_label("Reason").fill("one idea")
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("mappings")).to_contain_text(f"{PERSON} is a part of {PLACE}")
    expect(page.get_by_test_id("mappings")).to_contain_text("one idea")
