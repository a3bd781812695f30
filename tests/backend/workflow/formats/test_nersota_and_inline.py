"""Lines with markup: NERSOTA's, which have the text beside it, and those that have not."""

from pathlib import Path

import pytest

from backend.workflow.formats import inline, nersota
from backend.workflow.formats.format import Format
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

NERSOTA = "최예나는 24살이고␞<최예나:PER>는 <24살:QTT>이고\n"
INLINE = "<최예나:PER>는 <24살:QTT>이고\n"
FOUND = ("최예나는 24살이고", [("최예나", "PER"), ("24살", "QTT")])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("content", [NERSOTA, INLINE])
def test_lines_are_documents(tmp_path: Path, content: str, end: str) -> None:
    path = tmp_path / "train.txt"
    path.write_bytes((content * 2 + "\n" + content).replace("\n", end).encode())
    assert shown(records_of(path)) == [FOUND] * 3
    assert [one.line for one in good(records_of(path))] == [1, 2, 4]


def test_a_line_without_markup_has_no_entities(tmp_path: Path) -> None:
    (found,) = good(records_in(tmp_path, ">민호가 <12:30> 할 것 같아서.\n", inline))
    assert (found.text, found.entities) == (">민호가 <12:30> 할 것 같아서.", [])


@pytest.mark.parametrize(
    ("format", "damaged", "reason"),
    [
        (nersota, "가나다", "must hold ␞ once"),
        (nersota, "가␞가␞가", "must hold ␞ once"),
        (nersota, "서울에␞<서울:LOC>", "does not give the text from character 3"),
        (nersota, "서울에␞<부산:LOC>에", "does not give the text from character 1"),
        (nersota, "␞", "text is empty"),
        (inline, "<<서울:LOC> 시:ORG>", "markup with markup in it"),
        (inline, "\\<><서울", "not closed"),
        (inline, "\\<>", "text is empty"),
    ],
)
def test_a_damaged_line_is_refused_and_the_others_go_on(
    tmp_path: Path, format: Format, damaged: str, reason: str
) -> None:
    sound = NERSOTA if format is nersota else INLINE
    first, refused, last = records_in(tmp_path, f"{sound}{damaged}\n{sound}", format)
    assert shown([first, last]) == [FOUND] * 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith("a.txt:2: ")
    assert reason in refused.reason
    assert refused.raw == damaged


def test_damaged_bytes_cost_their_own_lines(tmp_path: Path) -> None:
    content = INLINE.encode() * 30 + b"<\xc3\xff:PER>\n" + INLINE.encode()
    records = records_in(tmp_path, content, inline)
    assert [str(one) for one in records if isinstance(one, RefusedLine)] == [
        "a.txt:31: text is damaged: byte 0xc3 at character 1 cannot be decoded"
    ]
