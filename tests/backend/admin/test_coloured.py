"""Text with coloured entities: nothing is lost, and no colour tells anything alone."""

import re
from html import unescape

import pytest
from flask import Flask, get_template_attribute
from hypothesis import given
from hypothesis import strategies as st

from backend.admin.charts.coloured import COLOURS, Piece, Shown, around, colour_of, coloured, legend

TEXT = "한국은행 이창용 총재가 28일 말했다 😀"
LABELS = ("ORG", "PERSON", "DATE")


def characters(parts: list[str | Piece]) -> str:
    return "".join(part if isinstance(part, str) else characters(part.parts) for part in parts)


def pieces(parts: list[str | Piece]) -> list[Piece]:
    found = [part for part in parts if isinstance(part, Piece)]
    return [each for one in found for each in (one, *pieces(one.parts))]


@st.composite
def spans(draw: st.DrawFn, longest: int = 24) -> tuple[str, list[Shown], list[tuple[int, int]]]:
    text = draw(st.text(alphabet="가나다 abc\n😀<&", min_size=1, max_size=longest))
    span = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).filter(
        lambda one: one[0] < one[1]
    )
    entities = draw(
        st.lists(
            st.builds(lambda at, label: Shown(at[0], at[1], label), span, st.sampled_from(LABELS))
        )
    )
    return text, entities, draw(st.lists(span, max_size=3))


@given(spans())
def test_every_character_is_there_once_and_every_entity_covers_its_own(
    made: tuple[str, list[Shown], list[tuple[int, int]]],
) -> None:
    text, entities, changed = made
    parts = coloured(text, entities, LABELS, changed=changed)
    assert characters(parts) == text
    found = pieces(parts)
    assert sum(one.ends for one in found if one.label) == len(entities)
    assert sum(one.begins for one in found if one.label) == len(entities)
    for label in LABELS:
        drawn = "".join(characters(one.parts) for one in found if one.label == label)
        covered = sum(one.end - one.start for one in entities if one.label == label)
        assert len(drawn) == covered


@given(spans(), st.data())
def test_a_text_is_cut_to_a_range_and_tells_it(
    made: tuple[str, list[Shown], list[tuple[int, int]]], data: st.DataObject
) -> None:
    text, entities, changed = made
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parts = coloured(text, entities, LABELS, changed=changed, within=(start, end))
    before, after = "…" if start else "", "…" if end < len(text) else ""
    assert characters(parts) == before + text[start:end] + after


def test_what_crosses_the_end_of_another_is_cut_and_told_once() -> None:
    parts = coloured(TEXT, [Shown(0, 8, "ORG"), Shown(5, 12, "PERSON")], LABELS)
    outer, cut, rest = parts
    assert isinstance(outer, Piece)
    assert (characters(outer.parts), outer.ends) == ("한국은행 이창용", True)
    inner = outer.parts[1]
    assert isinstance(inner, Piece)
    assert (inner.parts, inner.begins, inner.ends) == (["이창용"], True, False)
    assert isinstance(cut, Piece)
    assert (cut.parts, cut.begins, cut.ends) == ([" 총재가"], False, True)
    assert rest == " 28일 말했다 😀"


def test_an_entity_outside_of_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 99\)"):
        coloured(TEXT, [Shown(0, 99, "ORG")], LABELS)


def test_a_label_has_one_colour_everywhere_and_an_unknown_one_has_one_too() -> None:
    assert colour_of("PERSON", LABELS) == "colour-1"
    assert colour_of("OTHER", LABELS) == colour_of("OTHER", ("X", "Y"))
    assert int(colour_of("OTHER", LABELS).split("-")[1]) < COLOURS


def test_the_range_around_differences_stays_inside_the_text() -> None:
    assert around("x" * 300, [(100, 110), (150, 160)], margin=20) == (80, 180)
    assert around("xyz", [(1, 2)]) == (0, 3)
    assert around("xyz", []) == (0, 3)


def test_drawn_text_tells_labels_and_differences_in_words(app: Flask) -> None:
    text = "<b>28일</b>"
    parts = coloured(text, [Shown(3, 6, "DATE", "added", "0.93")], LABELS, changed=[(4, 5)])
    with app.test_request_context("/"):
        html = get_template_attribute("_text.html", "coloured_text")(parts)
    assert "<b>" not in html
    drawn = unescape(re.sub("<[^>]+>", "", html))
    assert drawn == "<b>28일+ added: DATE 0.93</b>"
    assert re.search(r'class="entity colour-2 differs added"', html)
    assert '<u class="changed">8</u>' in html


def test_the_legend_has_the_signs_that_are_used(app: Flask) -> None:
    with app.test_request_context("/"):
        assert [str(told) for _, told in legend({"moved", "added"})] == ["added", "moved"]
