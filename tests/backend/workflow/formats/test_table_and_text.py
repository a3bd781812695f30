"""Tables by their named column, and plain text a line each."""

from pathlib import Path

import pytest

from backend.errors import InvalidInputError
from backend.workflow.formats import table, text
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from backend.workflow.formats.source import ReadOptions
from tests.backend.workflow.formats.sources import Records, good, records_in, shown


def read(folder: Path, content: str, name: str = "a.csv", **options: str) -> Records:
    (folder / name).write_bytes(content.encode())
    with open_records(folder / name, table, ReadOptions(**options)) as opened:
        return list(opened.records)


def test_a_quoted_text_keeps_its_line_ends_and_delimiters(tmp_path: Path) -> None:
    content = 'id,text,year\r\na,"서울, ""부산""\r\n대구\n",2019\r\nb,각각 🙂,2020\r\n'
    first, second = good(read(tmp_path, content))
    assert first.text == '서울, "부산"\r\n대구\n'
    assert (first.external_id, first.meta, first.line) == ("a", {"year": "2019"}, 2)
    assert (second.text, second.line, second.entities) == ("각각 🙂", 5, None)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [("번호", "문장"), ("1", "서울 간다"), ("2", "부산")]
    content = "\n".join(map(delimiter.join, rows))
    assert [one.text for one in good(read(tmp_path, content))] == ["서울 간다", "부산"]


def test_tabs_are_seldom_quoted_and_quotes_are_text_then(tmp_path: Path) -> None:
    content = 'id\tdocument\tlabel\n1\t"최고" 영화\t1\n2\t"별로\t0\n3\t그냥"\t1\n'
    found = good(read(tmp_path, content, "a.tsv"))
    assert [one.text for one in found] == ['"최고" 영화', '"별로', '그냥"']
    quoted = 'id\tdocument\n1\t"서울\n간다"\n2\t"부산"\n'
    assert [one.text for one in good(read(tmp_path, quoted, "b.tsv"))] == ["서울\n간다", "부산"]


def test_columns_are_named_where_they_cannot_be_told(tmp_path: Path) -> None:
    content = "a,b\n1,서울\n"
    with pytest.raises(InvalidInputError, match="no one text column among 'a', 'b'; name one"):
        read(tmp_path, content)
    with pytest.raises(InvalidInputError, match="no column 'c' among"):
        read(tmp_path, content, text_column="c")
    with pytest.raises(InvalidInputError, match=r"no column 'c' among.*--id-column"):
        read(tmp_path, content, text_column="b", id_column="c")
    (found,) = good(read(tmp_path, content, text_column="b", id_column="a"))
    assert (found.external_id, found.text) == ("1", "서울")


def test_what_does_not_begin_with_a_header_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"a\.csv does not begin with a header"):
        read(tmp_path, '"id,text\n1,서울\n')


def test_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    (found,) = good(read(tmp_path, "text,tag,tag\n서울,x,y\n"))
    assert found.meta == {"tag": "x", "tag (2)": "y"}


def test_rows_that_do_not_fit_are_refused_and_can_be_mended(tmp_path: Path) -> None:
    found = read(tmp_path, 'id,text\n1\n2,서울,3\n3,\n\n4,부산\n5,"대구\n')
    assert shown(found) == [
        "a.csv:2: 1 cells where the header has 2",
        "a.csv:3: 3 cells where the header has 2",
        "a.csv:4: text is empty",
        ("부산", []),
        "a.csv:7: not a row: unexpected end of data",
    ]
    assert isinstance(found[1], RefusedLine)
    assert found[1].raw == {"id": "2", "text": "서울", "meta": {}}


def test_a_damaged_byte_refuses_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        "id,text\n1,서울\n2,부\n3,대구\n".encode().replace("부".encode(), b"\xeb\xb6")
    )
    with open_records(tmp_path / "a.csv") as opened:
        first, damaged, last = opened.records
    assert "text is damaged: byte 0xeb" in str(damaged)
    assert len(good([first, last])) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_is_a_document_a_line_and_nothing_else_ends_one(tmp_path: Path, end: str) -> None:
    lines = ["  서울 ", "각각\u2028줄\x0b\x85", "", " \t", "a\rb", "끝"]
    found = good(records_in(tmp_path, end.join(lines), text))
    assert [one.text for one in found] == ["  서울 ", "각각\u2028줄\x0b\x85", "a\rb", "끝"]
    assert [one.line for one in found] == [1, 2, 5, 6]
    assert all(one.entities is None and one.external_id is None for one in found)
