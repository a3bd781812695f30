"""The normal form's cuts are exact, and entities keep their surface through them."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.workflow.duplicates.normal_form import (
    ProjectionError,
    _cuts,
    group_key,
    normal_entities,
    normal_form,
    project_entities,
)
from ml_backend.contract.entity import Entity

# what NFKC composes, expands, reorders, what has no width, and what folds
PIECES = [
    *"가한글서울abKß 3일名",
    *"\u1112\u1161\u11ab",  # conjoining jamo
    *"\uffb2\uffc2ㅎㅏ",  # half-width and compatibility jamo
    *"ｶﾞＡ１㎞ﬁ㈜①…½",
    *"e\u0301\u0323\u0307\u00b4\u0344",  # combining marks of two classes, spacing ones
    *"\u200b\ufeff\u00ad\u3000\t",
    *"\u09c7\u09be\u0958İΣς",
    "🇰🇷",
]
texts = st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=14).map("".join)
folding = st.booleans()


@given(texts, folding)
@example("ᄒ\u200bᅡᆫ", False)
@example("\u1112\u1161\u11ab글", False)
def test_a_cut_divides_text_and_form_alike(text: str, casefold: bool) -> None:
    form = normal_form(text, casefold)
    cuts = _cuts(text, casefold)
    assert len(cuts) == len(text) + 1
    assert (cuts[0], cuts[-1]) == (0, len(form))
    for offset, place in enumerate(cuts):
        if place is not None:
            assert normal_form(text[:offset], casefold) == form[:place]
            assert normal_form(text[offset:], casefold) == form[place:]


@given(texts, folding)
def test_no_cut_is_missed_where_characters_stay_what_they_are(text: str, casefold: bool) -> None:
    composed = unicodedata.normalize("NFKC", text)
    assert None not in _cuts(composed, False)


def copies(text: str) -> st.SearchStrategy[str]:
    """Texts of the same normal form: other forms, spaces and zero-width characters put in."""
    forms = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]).map(
        lambda form: unicodedata.normalize(form, text)
    )

    def spaced(copy: str) -> st.SearchStrategy[str]:
        gaps = st.lists(
            st.sampled_from(["", "", "", " ", "\u200b", "\u3000"]),
            min_size=len(copy) + 1,
            max_size=len(copy) + 1,
        )
        return gaps.map(lambda found: "".join(map("".join, zip(found, (*copy, ""), strict=True))))

    return (st.just(text) | forms | forms.flatmap(spaced)).filter(
        lambda copy: normal_form(copy) == normal_form(text)
    )


@given(st.data(), texts.filter(bool), folding)
def test_entities_keep_their_surface_or_are_refused(
    data: st.DataObject, text: str, casefold: bool
) -> None:
    copy = data.draw(copies(text))
    start = data.draw(st.integers(0, len(text) - 1))
    entity = Entity(start, data.draw(st.integers(start + 1, len(text))), "PS", 0.5)
    try:
        (there,) = project_entities([entity], text, copy, casefold)
    except ProjectionError:
        return
    assert there.label == "PS"
    assert there.probability == 0.5
    assert 0 <= there.start < there.end <= len(copy)
    surface, projected = text[entity.start : entity.end], copy[there.start : there.end]
    assert normal_form(surface, casefold) == normal_form(projected, casefold)
    if text != copy:
        # what has no width is at an edge only where a mark stands on it
        marks = map(unicodedata.combining, projected[:2])
        assert normal_form(projected[0], casefold) or any(marks)
        assert normal_entities([entity], text, casefold) == normal_entities([there], copy, casefold)
        (back,) = project_entities([there], copy, text, casefold)
        assert normal_form(text[back.start : back.end], casefold) == normal_form(surface, casefold)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_whole_word_goes_from_any_form_to_any_other(form: str) -> None:
    text = "３일 서울㈜에서 ｶﾞ스 5㎞, ﬁnance é"
    copy = unicodedata.normalize(form, text).replace(" ", "\u200b ")
    for word in ("３일", "서울", "㈜", "ｶﾞ", "5㎞", "ﬁnance", "é"):
        start = text.index(word)
        (there,) = project_entities([Entity(start, start + len(word), "X")], text, copy)
        assert copy[there.start : there.end] == unicodedata.normalize(form, word)


def test_a_span_inside_what_is_one_character_there_cannot_be_mapped() -> None:
    with pytest.raises(ProjectionError, match="character of the copy"):
        project_entities([Entity(1, 2, "X")], "5km", "5㎞")  # the k of ㎞
    decomposed = unicodedata.normalize("NFD", "한글")
    with pytest.raises(ProjectionError, match="character of the normal form"):
        project_entities([Entity(0, 2, "X")], decomposed, "한글")  # 하 of 한
    with pytest.raises(ProjectionError, match="nothing in the normal form"):
        project_entities([Entity(1, 2, "X")], "가 나", "가나")
    with pytest.raises(ProjectionError, match="copy"):
        project_entities([Entity(0, 1, "X")], "fi", "ﬁ")


def test_edges_are_drawn_close() -> None:
    (there,) = project_entities([Entity(0, 4, "X")], " 서울 에", "서울\u200b 에")
    assert (there.start, there.end) == (0, 2)


def test_texts_that_are_no_copies_are_refused() -> None:
    with pytest.raises(ValueError, match="not copies"):
        project_entities([Entity(0, 1, "X")], "가나", "가다")


def test_case_is_folded_only_when_asked() -> None:
    assert group_key("Straße K") != group_key("STRASSE k")
    assert group_key("Straße K", casefold=True) == group_key("STRASSE k", casefold=True)
    (there,) = project_entities([Entity(0, 6, "X")], "Straße 1", "STRASSE1", casefold=True)
    assert (there.start, there.end) == (0, 7)
    with pytest.raises(ProjectionError):
        project_entities([Entity(0, 5, "X")], "STRASSE", "Straße", casefold=True)


@given(texts, texts)
def test_the_form_of_copies_is_one_key(left: str, right: str) -> None:
    assert (group_key(left) == group_key(right)) == (normal_form(left) == normal_form(right))
