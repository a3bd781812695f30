"""Texts one a line: both forms, told apart, in order, bad lines in their place."""

from itertools import islice, repeat

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.cli.lines import TextLine, read_lines
from ml_backend.training.files import RefusedLine

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)


def read(content: bytes, name: str = "-", form: str = "auto") -> list[TextLine | RefusedLine]:
    return list(read_lines(content.splitlines(keepends=True), name, form))


@given(st.lists(texts, min_size=1))
def test_every_text_of_json_lines_comes_back_in_order(originals: list[str]) -> None:
    content = [orjson.dumps({"text": text}) + b"\n" for text in originals]
    assert [line.text for line in read_lines(content, "-", "auto")] == originals


@given(st.lists(texts.filter(lambda t: not {"\n", "\r", "\ufeff"} & set(t)), min_size=1))
def test_every_plain_line_is_a_text_blank_ones_too(originals: list[str]) -> None:
    content = [text.encode() + b"\n" for text in originals]
    assert [line.text for line in read_lines(content, "a.txt", "auto")] == originals


@pytest.mark.parametrize(
    ("content", "name", "form", "expected"),
    [
        (b'{"text": "a"}\n', "-", "auto", ["a"]),
        (b'\n {"text": "a"}\n', "-", "auto", ["a"]),
        (b'\xef\xbb\xbf{"text": "a"}', "-", "auto", ["a"]),
        (b'{"text": "a"}\n', "a.txt", "auto", ['{"text": "a"}']),
        (b'{"text": "a"}\n', "a.jsonl", "plain", ['{"text": "a"}']),
        (b"\xef\xbb\xbfa\r\n\nb", "-", "auto", ["a", "", "b"]),
        (b"\n\na\n", "-", "auto", ["", "", "a"]),
        (b"\n\n", "-", "auto", ["", ""]),
        (b"", "-", "auto", []),
    ],
)
def test_forms_are_told_apart(content: bytes, name: str, form: str, expected: list[str]) -> None:
    assert [line.text for line in read(content, name, form)] == expected


def test_names_stay_with_the_text_and_bad_lines_in_their_place() -> None:
    content = b'{"id": 3, "group": "g", "text": "a", "x": 1}\nnonsense\n{"text": ""}\n'
    first, second, third = read(content)
    assert first == TextLine("a", {"id": 3, "group": "g"})
    assert isinstance(second, RefusedLine)
    assert (second.file, second.line) == ("-", 2)
    assert third == TextLine("")
    assert [type(line) for line in read(b"a\n\xff\n")] == [TextLine, RefusedLine]


def test_no_more_is_read_than_is_asked_for() -> None:
    endless = repeat(b'{"text": "a"}\n')
    assert len(list(islice(read_lines(endless, "-", "auto"), 3))) == 3
