"""Naver NER: eojeol with their tags, joined by one space."""

from pathlib import Path

import pytest

from backend.workflow.formats import naver
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

SOUND = "1\t비토리오\tPER_B\n2\t에마누엘레는\tPER_I\n3\t양일\tDAT_B\n4\t.\t-\n\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_entity_is_the_whole_of_its_eojeol(tmp_path: Path, end: str) -> None:
    path = tmp_path / "train_data"
    path.write_bytes((SOUND + "1\t없다\t-\n").replace("\n", end).encode())
    assert shown(records_of(path)) == [
        (
            "비토리오 에마누엘레는 양일 .",
            [("비토리오 에마누엘레는", "PER"), ("양일", "DAT")],
        ),
        ("없다", []),
    ]


@pytest.mark.parametrize(
    ("damaged", "line", "reason"),
    [
        ("1\t가\t-\n3\t나\t-\n\n", 7, "'3' stands where eojeol 2 should"),
        ("1\t가\t-\n2\t나\tPER_I\n\n", 7, "I-PER may not follow O in BIO"),
        ("1\t가\tPER_B\n2\t나\tORG_I\n\n", 7, "I-ORG may not follow B-PER"),
        ("1\t가\t-\n2\t나\n\n", 7, "2 columns where the file has 3"),
        ("1\t\t-\n\n", 6, "a row without a token"),
        ("1\t가\tPER\n\n", 6, "'PER' is no tag"),
    ],
)
def test_a_damaged_sentence_is_refused_and_the_others_go_on(
    tmp_path: Path, damaged: str, line: int, reason: str
) -> None:
    first, refused, last = records_in(tmp_path, SOUND + damaged + SOUND, naver)
    assert len(good([first, last])) == 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(f"a.txt:{line}: ")
    assert reason in refused.reason
    assert refused.raw == damaged.rstrip("\n")
