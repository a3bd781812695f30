"""KLP 2016: the text after `;`, its markup after `$`."""

from pathlib import Path

import pytest

from backend.workflow.formats import klp2016
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

ROWS = "1\t한석규\tNNP\tB_PS\n1\t가\tJKS\tO\n"
ONE = f"; 한석규가 <물질공간(plenum)>에\n$<한석규:PS>가 <물질공간(plenum)>에\n{ROWS}\n"
TWO = f"; 없다 $5\n$없다 $5\n{ROWS}\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("between", ["\n", ""])
def test_headers_are_the_document(tmp_path: Path, end: str, between: str) -> None:
    path = tmp_path / "klp.txt"
    content = ONE.removesuffix("\n") + between + TWO
    path.write_bytes(content.replace("\n", end).encode())
    assert shown(records_of(path)) == [
        ("한석규가 <물질공간(plenum)>에", [("한석규", "PS")]),
        ("없다 $5", []),
    ]


@pytest.mark.parametrize(
    ("damaged", "line", "reason"),
    [
        ("; 서울\n1\t서울\tNNP\tB_LC\n\n", 7, "line 2 of a document must begin with '$'"),
        ("; 서울\n\n", 6, "line 2 of a document must begin with '$'"),
        ("$서울\n; 서울\n\n", 6, "line 1 of a document must begin with '; '"),
        ("; 서울\n$<부산:LC>\n\n", 7, "does not give the text from character 1"),
        ("; \n$\n1\t서울\tNNP\tO\n\n", 6, "text is empty"),
    ],
)
def test_a_damaged_document_is_refused_and_the_others_go_on(
    tmp_path: Path, damaged: str, line: int, reason: str
) -> None:
    first, refused, last = records_in(tmp_path, ONE + damaged + TWO, klp2016)
    assert len(good([first, last])) == 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(f"a.txt:{line}: ")
    assert reason in refused.reason
    assert refused.raw == damaged.rstrip("\n")
