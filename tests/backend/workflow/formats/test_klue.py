"""KLUE-NER: the rows are the document, the header is held against them."""

from pathlib import Path

import pytest

from backend.workflow.formats import klue
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

TOP = "## 토큰, 레이블 구분자 : \\t\n## 주석 : ##\n## 컬럼명 : CHAR\tNE_TAG\n"


def sentence(number: int, header: str, tags: str, text: str = "서울 간다") -> str:
    rows = zip(text, tags.split(), strict=True)
    return f"## dev_{number}\t{header}\n" + "".join(f"{a}\t{b}\n" for a, b in rows) + "\n"


SOUND = sentence(0, "<서울:LC> 간다", "B-LC I-LC O O O")


def test_rows_spell_the_text_with_its_spaces(tmp_path: Path) -> None:
    path = tmp_path / "klue-ner-v1.1_dev.tsv"
    path.write_text(TOP + SOUND + sentence(1, "#<a:X>", "O B-X", "#a"))
    records = records_of(path)
    assert shown(records) == [("서울 간다", [("서울", "LC")]), ("#a", [("a", "X")])]
    assert [(one.external_id, one.meta, one.note) for one in good(records)] == [
        ("dev_0", {}, None),
        ("dev_1", {}, None),
    ]


def test_a_missing_blank_line_costs_nothing(tmp_path: Path) -> None:
    assert len(good(records_in(tmp_path, TOP + SOUND.rstrip("\n") + "\n" + SOUND, klue))) == 2


@pytest.mark.parametrize(
    ("header", "differs"),
    [
        ("<서울 간다:LC>", "only in the header: <서울 간다:LC>; only in the rows: <서울:LC>"),
        ("<서울:OG> 간다", "only in the header: <서울:OG>; only in the rows: <서울:LC>"),
        ("서울 간다", "only in the rows: <서울:LC>"),
        ("<서울:LC>  간다", "the markup does not give the text from character 3 on"),
        ("", "the markup does not give the text from character 1 on"),
    ],
)
def test_where_the_header_differs_the_rows_are_taken_and_it_is_kept(
    tmp_path: Path, header: str, differs: str
) -> None:
    records = records_in(tmp_path, TOP + sentence(0, header, "B-LC I-LC O O O"), klue)
    assert shown(records) == [("서울 간다", [("서울", "LC")])]
    (found,) = good(records)
    assert found.meta == {"header": header}
    assert found.note == f"the header says otherwise than the rows, which are taken: {differs}"


@pytest.mark.parametrize(
    ("damaged", "place", "reason"),
    [
        (sentence(1, "<서울:LC> 간다", "O I-LC O O O"), 2, "I-LC may not follow O in BIO"),
        (sentence(1, "<서울:LC> 간다", "B-LC I-LC O O E-X"), 5, "E is no tag of BIO"),
        ("## dev_1\t서울\n서\tO\n울\n\n", 2, "1 columns where the file has 2"),
        ("## dev_1\t서울\n서\tNNG\tO\n\n", 1, "3 columns"),
        ("서\tO\n\n", 0, "rows without a header"),
    ],
)
def test_a_damaged_document_is_refused_and_the_others_go_on(
    tmp_path: Path, damaged: str, place: int, reason: str
) -> None:
    first, refused, last = records_in(tmp_path, TOP + SOUND + damaged + SOUND, klue)
    assert len(good([first, last])) == 2
    assert isinstance(refused, RefusedLine)
    line = (TOP + SOUND).count("\n") + 1 + place
    assert str(refused).startswith(f"a.txt:{line}: ")
    assert reason in refused.reason
    assert refused.raw == damaged.rstrip("\n")
