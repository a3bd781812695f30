"""What was refused is written so that it can be mended and read again."""

import json
import os
from pathlib import Path

import pytest

from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from backend.workflow.formats.refused import RefusedFiles
from tests.backend.workflow.formats.sources import records_of, shown


def test_objects_become_lines_of_json_with_the_reason(tmp_path: Path) -> None:
    with RefusedFiles(tmp_path / "a.json") as files:
        files.add(RefusedLine("a.json", 3, "why", {"text": "서울", "refused": "old"}, "record"))
        files.add(RefusedLine("a.json", 4, "half", {"text": "a\ud800", "l": ["\udcff"]}))
    assert files.written == [tmp_path / "a.json.refused.jsonl"]
    first, second = map(json.loads, files.written[0].read_text("utf-8").splitlines())
    assert first == {"refused": "record 3: why", "text": "서울"}
    assert second["text"] == "a\\ud800" or second["text"] == "a?"


def test_lines_stay_as_they_were_and_the_reasons_stand_beside(tmp_path: Path) -> None:
    damaged = b"\xea\xb0\tO\n".decode("utf-8", "surrogateescape")
    with RefusedFiles(tmp_path / "a.conll") as files:
        files.add(RefusedLine("a.conll", 1, "no tag", "김\tX-PS\n수\tO"))
        files.add(RefusedLine("a.conll", 9, "damaged", damaged))
    lines, reasons = files.written
    assert lines.name == "a.conll.refused.conll"
    assert lines.read_bytes() == "김\tX-PS\n수\tO\n\n".encode() + b"\xea\xb0\tO\n\n"
    assert reasons.read_text("utf-8") == "a.conll:1: no tag\na.conll:9: damaged\n"


def test_mended_lines_are_read_in_their_own_format(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    rows = ["서\tB-LC\n울\tI-LC\n에\tO"] * 5
    path.write_text("\n\n".join([*rows, "부\tI-LC\n산\tO", *rows]), "utf-8")
    refused = [one for one in records_of(path) if isinstance(one, RefusedLine)]
    with RefusedFiles(path) as files:
        for one in refused:
            files.add(one)
    mended = files.lines.read_text("utf-8").replace("부\tI-LC\n산\tO", "부\tB-LC\n산\tI-LC")
    files.lines.write_text(mended, "utf-8")
    assert shown(records_of(files.lines)) == [("부산", [("부산", "LC")])]


@pytest.mark.parametrize(
    ("rows", "damaged", "mended", "format"),
    [
        ("서\tB-LC\n울\tI-LC", "부\tO\n산\tI-LC", "부\tB-LC\n산\tI-LC", "bio-characters"),
        ("서 B-LC\n울 E-LC", "부 B-LC\n산 I-LC", "부 B-LC\n산 E-LC", "bioes-characters"),
        ("서0\tB-LC\n울1\tI-LC", "부0\tB-LC\n산7\tI-LC", "부0\tB-LC\n산1\tI-LC", "bio-characters"),
        ("서 a I-LC\n울 b I-LC", "부 I-LC\n산 I-LC", "부 a I-LC\n산 b I-LC", "bio-characters"),
    ],
    ids=["begun by I", "left open", "a segment", "columns"],
)  # fmt: skip
def test_refused_rows_are_read_as_those_of_their_file_until_they_are_mended(
    tmp_path: Path, rows: str, damaged: str, mended: str, format: str
) -> None:
    path = tmp_path / "a.conll"
    path.write_text("\n\n".join([*[rows] * 5, damaged]), "utf-8")
    again = refused_of(path)
    found = records_of(again)
    assert len(found) == 1
    assert isinstance(found[0], RefusedLine), "alone it would be sound, in another scheme"
    assert refused_of(again).read_text("utf-8") == again.read_text("utf-8"), "and once more"
    again.write_text(again.read_text("utf-8").replace(damaged, mended), "utf-8")
    with open_records(again) as opened:
        assert format == opened.format.NAME
        assert shown(list(opened.records)) == [("부산", [("부산", "LC")])]


def refused_of(path: Path) -> Path:
    with RefusedFiles(path) as files:
        for one in records_of(path):
            if isinstance(one, RefusedLine):
                files.add(one)
    return files.lines


def test_nothing_refused_leaves_no_file_and_takes_the_old_ones_away(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with RefusedFiles(path) as files:
        files.add(RefusedLine("a.txt", 1, "why", "줄"))
    assert files.lines.exists()
    with RefusedFiles(path) as files:
        pass
    assert files.written == list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_to_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = tmp_path / "present"
    present.mkdir()
    monkeypatch.chdir(present)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # root may always
    with RefusedFiles(tmp_path / "a.txt") as files:
        files.add(RefusedLine("a.txt", 1, "why", "줄"))
    assert [path.parent for path in files.written] == [present, present]
