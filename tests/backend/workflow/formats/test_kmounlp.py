"""kmounlp: headers are the document, numbers with the file's name its id."""

from pathlib import Path

import pytest

from backend.workflow.formats import kmounlp
from backend.workflow.formats.encoding import ESCAPE
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

ROWS = "현대\t현대\tNNG\tO\n_\t_\t_\tO\n담긴\t담기+ㄴ\tVV+ETM\tO\n"
ONE = f"## 1\n## 3일 서울에서\n## <3일:DAT> <서울:LOC>에서\n{ROWS}\n"
TWO = f"## 2\n## [현장을 가다]<7>KT 센터\n## [현장을 가다]<7><KT:ORG> 센터\n{ROWS}\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_headers_are_the_document(tmp_path: Path, mark: bytes, end: str) -> None:
    path = tmp_path / "EXOBRAIN_002.txt"
    path.write_bytes(mark + (ONE + TWO).replace("\n", end).encode())
    records = records_of(path)
    assert shown(records) == [
        ("3일 서울에서", [("3일", "DAT"), ("서울", "LOC")]),
        ("[현장을 가다]<7>KT 센터", [("KT", "ORG")]),
    ]
    assert [one.external_id for one in good(records)] == ["EXOBRAIN_002-1", "EXOBRAIN_002-2"]


@pytest.mark.parametrize("encoding", ["cp949", "utf-16"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    content = "가나다라 마바사 " * 3 + "\n"
    content = f"## 1\n## {content}## {content}{ROWS}"
    assert good(records_in(tmp_path, content.encode(encoding), kmounlp))[0].text == content.split(
        "\n"
    )[1].removeprefix("## ")


def test_a_number_that_comes_twice_is_another_document(tmp_path: Path) -> None:
    ids = [one.external_id for one in good(records_in(tmp_path, ONE + TWO + ONE, kmounlp))]
    assert ids == ["a-1", "a-2", f"a-1-{(ONE + TWO).count(chr(10)) + 1}"]


def test_a_missing_blank_line_costs_nothing(tmp_path: Path) -> None:
    content = ONE.removesuffix("\n") + TWO
    assert len(good(records_in(tmp_path, content, kmounlp))) == 2


@pytest.mark.parametrize(
    ("damaged", "line", "reason"),
    [
        ("## 2\n## 서울\n\n", 8, "three lines"),
        ("## 둘\n## 서울\n## <서울:LOC>\n\n", 8, "three lines"),
        ("서울\t서울\tNNP\tB-LOC\n\n", 8, "three lines"),
        ("## 2\n서울\n## <서울:LOC>\n\n", 9, "header line 2 does not begin with '## '"),
        ("## 2\n## 서울\n## <부산:LOC>\n\n", 10, "does not give the text from character 1"),
        ("## 2\n## 서울 시\n## <<서울:LOC> 시:ORG>\n\n", 10, "does not give the text"),
        ("## 2\n## \n## \n가\t가\tNNG\tO\n\n", 8, "text is empty"),
        ("## 2\n## \udcff\n## \udcff\n\n", 8, "cannot be decoded"),
    ],
)
def test_a_damaged_document_is_refused_and_the_others_go_on(
    tmp_path: Path, damaged: str, line: int, reason: str
) -> None:
    content = (ONE + damaged + TWO).encode("utf-8", ESCAPE)
    first, refused, last = records_in(tmp_path, content, kmounlp)
    assert len(good([first, last])) == 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(f"a.txt:{line}: ")
    assert reason in refused.reason
    assert refused.raw == damaged.rstrip("\n")
