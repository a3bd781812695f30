"""What was refused is written so that it can be mended and read again."""

import json
import os
from pathlib import Path

import pytest

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
