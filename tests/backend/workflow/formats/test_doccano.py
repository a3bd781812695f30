"""doccano in its three forms, and out."""

import io
import json
from pathlib import Path

import pytest

from backend.workflow.formats import doccano
from backend.workflow.formats.format import ExportDocument
from backend.workflow.formats.record import RefusedLine
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_in, records_of

TEXT = "🙂 김철수는 서울에"


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "label": [[2, 5, "PS"]]},
        {"text": TEXT, "labels": [[2, 5, "PS"]]},
        {"data": TEXT, "label": [[2, 5, "PS"]]},
        {
            "text": TEXT,
            "entities": [{"id": 9, "label": "PS", "start_offset": 2, "end_offset": 5}],
            "relations": [],
        },
    ],
)
def test_every_version_is_read(tmp_path: Path, record: dict[str, object]) -> None:
    line = json.dumps({"id": 7, **record, "Comments": [], "source": "신문"}, ensure_ascii=False)
    (found,) = good(records_in(tmp_path, line, doccano))
    assert (found.external_id, found.text) == ("7", TEXT)
    assert found.entities == [Entity(2, 5, "PS")]
    assert found.meta == {"source": "신문"}


def test_what_was_not_annotated_is_told_from_what_has_no_entity(tmp_path: Path) -> None:
    lines = '{"text": "가"}\n{"text": "나", "label": []}\n'
    assert [one.entities for one in good(records_in(tmp_path, lines, doccano))] == [None, []]


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ([[0, 99, "PS"]], "out of range"),
        ([[0, 2]], "is not [start, end, label]"),
        ([[0, 3, "PS"], [2, 5, "LC"]], "overlap"),
        ({"PS": []}, "label must be a list"),
        ([[0, 2, None]], "label must be"),
    ],
)
def test_what_cannot_be_held_is_refused(tmp_path: Path, label: object, reason: str) -> None:
    line = json.dumps({"text": TEXT, "label": label})
    refused, fine = records_in(tmp_path, f'{line}\n{{"text": "가", "label": []}}', doccano)
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason
    assert good([fine])


def test_out_and_in_again_with_meta(tmp_path: Path) -> None:
    document = ExportDocument("a", TEXT, [Entity(2, 5, "학문/이론")], {"k": [1, {"v": None}]})
    out = io.BytesIO()
    assert list(doccano.write([document], out)) == []
    (tmp_path / "a.jsonl").write_bytes(out.getvalue())
    (back,) = good(records_of(tmp_path / "a.jsonl"))
    assert (back.external_id, back.text, back.entities, back.meta) == (
        document.id,
        document.text,
        document.entities,
        document.meta,
    )
