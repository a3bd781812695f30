"""Markup: aligned with the plain text where there is one, escaped where there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.formats.markup import MarkupError, align, read_line, write_line
from ml_backend.contract.entity import Entity


@pytest.mark.parametrize(
    ("text", "marked", "entities"),
    [
        ("28일 서울에서", "<28일:DAT> <서울:LOC>에서", [Entity(0, 3, "DAT"), Entity(4, 6, "LOC")]),
        ("없다", "없다", []),
        ("<7>KT 센터", "<7><KT:ORG> 센터", [Entity(3, 5, "ORG")]),
        ("내일>(18일)", "내일>(<18일:DAT>)", [Entity(4, 7, "DAT")]),
        ("a<b", "a<b", []),
        ("a<b", "<a<b:X>", [Entity(0, 3, "X")]),
        ("<a", "<<a:X>", [Entity(1, 2, "X")]),
        ("12:30에", "<12:30:TIM>에", [Entity(0, 5, "TIM")]),
        ("<a:X>", "<a:X>", []),
        ("<a>", "<<a:X>>", [Entity(1, 2, "X")]),
        ("<2> 문제", "<<2>:NOH> 문제", [Entity(0, 3, "NOH")]),
        ("<a:X>", "<<a:X>:Y>", [Entity(0, 5, "Y")]),
        ("아 아", "<아:X> <아:IT 용어>", [Entity(0, 1, "X"), Entity(2, 3, "IT 용어")]),
        ("가나", "<가:X><나:X>", [Entity(0, 1, "X"), Entity(1, 2, "X")]),
    ],
)
def test_markup_is_read_so_that_it_gives_the_text(
    text: str, marked: str, entities: list[Entity]
) -> None:
    assert align(text, marked) == entities


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("서울", "<부산:LOC>"),
        ("서울에", "<서울:LOC>"),
        ("서울", "<서울:LOC>에"),
        ("서울 시", "<<서울:LOC> 시:ORG>"),
        ("서울", "<서울LOC>"),
        ("서울", "<서울:>"),
        ("서울", "<서울:LOC"),
    ],
)
def test_markup_that_does_not_give_the_text_is_refused(text: str, marked: str) -> None:
    with pytest.raises(MarkupError, match="from character"):
        align(text, marked)


@given(st.text("가<>: A", max_size=12), st.data())
def test_whatever_was_marked_can_be_aligned(text: str, data: st.DataObject) -> None:
    """The reading need not be the one meant, where two give the text, but it gives the text."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    inside = text[start:end]
    marked = f"{text[:start]}<{inside}:X>{text[end:]}" if inside else text
    for entity in align(text, marked):
        assert f"<{text[entity.start : entity.end]}:{entity.label}>" in marked


def test_many_signs_are_aligned_in_no_time() -> None:
    text = "<" * 3000 + "a:"
    with pytest.raises(MarkupError):
        align(text, text[:-1])


@pytest.mark.parametrize(
    ("line", "text", "entities"),
    [
        ("<28일:DAT> 서울", "28일 서울", [Entity(0, 3, "DAT")]),
        ("<위장:동물 신체>이", "위장이", [Entity(0, 2, "동물 신체")]),
        ("<오전 12:30:TIM>에", "오전 12:30에", [Entity(0, 8, "TIM")]),
        ("<12:30>", "<12:30>", []),
        ("1 < 2", "1 < 2", []),
        ("측정>>http://t.cn", "측정>>http://t.cn", []),
        ("[창조경제]<7>", "[창조경제]<7>", []),
        ("<a:X>O<-<", "aO<-<", [Entity(0, 1, "X")]),
        (r"C:\new \< 그대로", r"C:\new \< 그대로", []),
        (r"\<>\<b\><a\:b:X\:Y>\n\\", "<b>a:b\n\\", [Entity(3, 6, "X:Y")]),
    ],
)
def test_a_marked_line_is_read(line: str, text: str, entities: list[Entity]) -> None:
    assert read_line(line) == (text, entities)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<<서울:LOC> 시:ORG>", "markup with markup in it"),
        ("a < b, <c:X>:D>", "markup with markup in it"),
        (r"\<><a:X", "not closed"),
        (r"\<><:X>", "without a text"),
        (r"\<><a:>", "without a text or a label"),
        (r"\<>a>b", "must be written as"),
        (r"\<><a<b:X>", "must be written as"),
        (r"\<>a\b", "is no escape"),
        ("\\<>a\\", "is no escape"),
    ],
)
def test_a_line_that_could_mean_two_things_is_refused(line: str, reason: str) -> None:
    with pytest.raises(MarkupError, match=reason):
        read_line(line)


def test_a_line_is_escaped_only_if_it_must_be() -> None:
    assert write_line("28일 1<2", [Entity(0, 3, "DAT")]) == "<28일:DAT> 1<2"
    assert write_line("<a:X>", []) == r"\<>\<a\:X\>"
    assert write_line("가\n나", [Entity(0, 1, "X")]) == r"\<><가:X>\n나"


@given(st.text("가a<>:\\n\n\r\ufeff {", min_size=1, max_size=12), st.data())
def test_what_is_written_is_read_back(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    label = data.draw(st.sampled_from(["X", "A:B", "<", "7", "IT 용어", "\\n"]))
    line = write_line(text, [Entity(start, end, label)])
    assert "\n" not in line
    assert read_line(line) == (text, [Entity(start, end, label)])
