"""The paragraph in a project's instructions that leads to the evidence."""

from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.instructions import SENTENCE, with_link

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
