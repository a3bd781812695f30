"""CLUENER: surfaces with their places, ends inclusive, each held against the text."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.workflow.formats import cluener
from backend.workflow.formats.record import RefusedLine
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_in, records_of

TEXT = "叶老桂与叶老桂在浙商银行"
SOUND = {
    "text": TEXT,
    "label": {"name": {"叶老桂": [[4, 6], [0, 2]]}, "company": {"浙商银行": [[8, 11]]}},
}


def lines(*records: object) -> str:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records)


def test_every_place_of_a_surface_is_an_entity(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(lines(SOUND, {"id": 3, "text": TEXT, "label": {}, "source": "新闻"}))
    first, second = good(records_of(path))
    assert first.entities == [Entity(0, 3, "name"), Entity(4, 7, "name"), Entity(8, 12, "company")]
    assert (second.external_id, second.entities, second.meta) == ("3", [], {"source": "新闻"})


def test_the_test_file_has_no_labels_which_is_not_none(tmp_path: Path) -> None:
    (found,) = good(records_in(tmp_path, lines({"id": 0, "text": TEXT}), cluener))
    assert (found.external_id, found.entities) == ("0", None)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ({"name": {"叶老桂": [[1, 3]]}}, "says it is '叶老桂', but the text there is '老桂与'"),
        ({"name": {"叶老桂": [[0, 3]]}}, "says it is '叶老桂', but the text there is '叶老桂与'"),
        ({"name": {"叶老桂": [[90, 92]]}}, "offsets out of range"),
        ({"name": {"叶老桂": [[-12, -10]]}}, "offsets out of range"),
        ({"name": {"叶老桂": [[2, 0]]}}, "must be [first, last], not [2, 0]"),
        ({"name": {"叶老桂": [0, 2]}}, "must be [first, last], not 0"),
        ({"name": {"叶老桂": [[0, 2, 3]]}}, "must be [first, last]"),
        ({"name": {"叶老桂": [["0", "2"]]}}, "must be [first, last]"),
        ({"name": {"叶老桂": {}}}, "places of '叶老桂' must be a list"),
        ({"name": [[0, 2]]}, "label 'name' must be an object"),
        ([], "label must be an object"),
        ({"name": {"叶老桂": [[0, 2]]}, "x": {"老桂": [[1, 2]]}}, "overlap"),
    ],
)
def test_a_damaged_label_is_refused_with_its_record(
    tmp_path: Path, label: Any, reason: str
) -> None:
    record = {"text": TEXT, "label": label}
    first, refused, last = records_in(tmp_path, lines(SOUND, record, SOUND), cluener)
    assert len(good([first, last])) == 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith("a.txt:2: ")
    assert reason in refused.reason
    assert refused.raw == record


@pytest.mark.parametrize("line", [b"{", b'{"text": "\xff"}', b"[1]", b'{"label": {}}'])
def test_a_damaged_line_is_refused(tmp_path: Path, line: bytes) -> None:
    content = lines(SOUND).encode() + line + b"\n"
    _, refused = records_in(tmp_path, content, cluener)
    assert isinstance(refused, RefusedLine)
    assert refused.line == 2
