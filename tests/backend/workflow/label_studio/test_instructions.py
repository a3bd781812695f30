"""The paragraph in a project's instructions that leads to the evidence."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.label_studio.connect import webhook_url
from backend.workflow.label_studio.instructions import SENTENCE, evidence_address, with_link
from tests.conftest import settings_in

HERE, THERE = (f"https://{host}/projects/general/evidence" for host in ("a.example", "b.example"))


@given(st.text())
def test_it_is_said_once_at_the_end_and_the_rest_stays(instructions: str) -> None:
    once = with_link(instructions, "general", HERE)
    assert once.startswith(instructions.rstrip())
    assert with_link(once, "general", HERE) == once
    moved = with_link(once, "general", THERE)
    assert moved == with_link(instructions, "general", THERE)
    assert moved.count(SENTENCE) == instructions.count(SENTENCE) + 1


def test_another_projects_link_is_left_alone() -> None:
    other = with_link("", "general-2", "https://a.example/projects/general-2/evidence")
    assert with_link(other, "general", HERE).startswith(other)


def test_people_and_label_studio_may_reach_us_under_different_addresses(tmp_path: Path) -> None:
    one = settings_in(tmp_path, public_url="https://gold.example")
    assert webhook_url(one, "p") == "https://gold.example/webhooks/p"
    both = one.model_copy(update={"internal_url": "http://admin:5000"})
    assert webhook_url(both, "p") == "http://admin:5000/webhooks/p"
    assert evidence_address(both, "p").startswith("https://gold.example/")
