"""Label Studio JSON and JSON_MIN: what counts as gold, what is refused, and what goes out."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from backend.workflow.formats import label_studio, label_studio_min
from backend.workflow.formats.format import ExportDocument, WriteOptions
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

TEXT = "김철수는 👨‍👩‍👧 서울에\n각각 간다"
SEOUL = TEXT.index("서울")
CONFIG = (
    '<View><Labels name="ner" toName="doc"><Label value="PS"/></Labels>'
    '<Text name="doc" value="$body"/></View>'
)


def region(start: int, end: int, /, *labels: str, **more: object) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": [*labels], **more}
    return {
        "id": f"{start}",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": value,
    }


def task(*annotations: object, number: int = 1, **data: object) -> dict[str, Any]:
    found = [
        {"id": n, "result": one} if isinstance(one, list) else one
        for n, one in enumerate(annotations)
    ]
    return {
        "id": number,
        "data": {"text": TEXT, **data},
        "annotations": found,
        "predictions": [{"result": [region(0, 1, "PS")]}],
    }


def read(folder: Path, *tasks: object) -> list[DocumentRecord | RefusedLine]:
    return records_in(folder, json.dumps(tasks, ensure_ascii=False), label_studio, "a.json")


def test_submitted_annotations_are_gold_and_offsets_are_code_points(tmp_path: Path) -> None:
    (record,) = good(read(tmp_path, task([region(SEOUL, SEOUL + 2, "LC"), region(0, 3, "PS")])))
    assert record.text == TEXT
    assert record.entities == [Entity(0, 3, "PS"), Entity(SEOUL, SEOUL + 2, "LC")]
    assert record.external_id == "1"


def test_what_nobody_submitted_is_a_document_without_entities(tmp_path: Path) -> None:
    skipped = {"result": [region(0, 3, "PS")], "was_cancelled": True}
    found = good(read(tmp_path, task(), task(skipped, number=2), task([], number=3)))
    assert [record.entities for record in found] == [None, None, []]


def test_annotations_that_agree_are_one(tmp_path: Path) -> None:
    twice = task([region(0, 3, "PS"), region(0, 3, "PS")], [region(0, 3, "PS")])
    (record,) = good(read(tmp_path, twice))
    assert record.entities == [Entity(0, 3, "PS")]


def test_annotations_that_disagree_are_told_and_the_document_stays(tmp_path: Path) -> None:
    document, refused = read(tmp_path, task([region(0, 3, "PS")], [region(0, 4, "PS")]))
    assert isinstance(document, DocumentRecord)
    assert document.entities is None
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(
        "a.json: record 1: 2 annotations disagree ([0, 3) 'PS', [0, 4) 'PS')"
    )
    assert isinstance(refused.raw, dict)
    refused.raw["annotations"].pop()
    (mended,) = good(read(tmp_path, refused.raw))
    assert (mended.external_id, mended.entities) == ("1", [Entity(0, 3, "PS")])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (region(0, 3, "PS", text="박철수"), "says it is '박철수', but the text there is '김철수'"),
        (region(0, 3), "region [0, 3) has no label"),
        (region(0, 3, "PS", "LC"), "several labels"),
        (region(3, 3, "PS"), "out of range"),
        (region(0, 99, "PS"), "out of range"),
        (region(-1, 2, "PS"), "out of range"),
        (region(2, 8, "LC"), "overlap"),
        (region(0, 2, "LC", start="0"), "whole numbers"),
    ],
)
def test_a_region_that_cannot_be_read_refuses_its_task(
    tmp_path: Path, bad: dict[str, Any], reason: str
) -> None:
    refused, other = read(tmp_path, task([region(0, 3, "PS"), bad]), task([], number=2))
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason
    assert isinstance(other, DocumentRecord)


@pytest.mark.parametrize("stated", ["서울에\\n각각", "서울에 각각", "서울에각각", None])
def test_the_stated_text_is_compared_leniently(tmp_path: Path, stated: str | None) -> None:
    end = TEXT.index(" 간다")
    (record,) = good(read(tmp_path, task([region(SEOUL, end, "LC", text=stated)])))
    assert record.entities == [Entity(SEOUL, end, "LC")]


def test_other_results_are_kept_aside(tmp_path: Path) -> None:
    choice = {"type": "choices", "value": {"choices": ["뉴스"]}}
    relation = {"type": "relation", "from_id": "0", "to_id": "5"}
    (record,) = good(read(tmp_path, task([region(0, 3, "PS"), choice, relation], source="신문")))
    assert record.entities == [Entity(0, 3, "PS")]
    assert record.meta == {"source": "신문", "label_studio_results": [choice, relation]}


def test_the_text_is_named_where_it_cannot_be_told(tmp_path: Path) -> None:
    unclear = {"id": 1, "data": {"title": "제목", "body": "본문"}}
    (refused,) = read(tmp_path, unclear)
    assert "among title, body; say which with --text-column" in str(refused)
    only = {"id": 1, "data": {"body": "본문", "year": 2020}}
    assert shown(read(tmp_path, only)) == [("본문", [])]


@pytest.mark.parametrize(
    "broken", [{"id": 1}, {"data": []}, {"data": {"text": TEXT}, "annotations": 5}, 7]
)
def test_what_is_no_task_is_refused(tmp_path: Path, broken: object) -> None:
    refused, fine = read(tmp_path, broken, task([]))
    assert isinstance(refused, RefusedLine)
    assert isinstance(fine, DocumentRecord)


def test_a_cut_export_gives_what_it_has(tmp_path: Path) -> None:
    whole = json.dumps([task([], number=n) for n in range(1, 4)])
    *before, last = records_in(tmp_path, whole[: len(whole) * 2 // 3], label_studio, "a.json")
    assert good(before)
    assert isinstance(last, RefusedLine)
    assert "nothing after it can be read" in last.reason


def test_what_is_written_can_be_imported_there_and_here(tmp_path: Path) -> None:
    documents = [
        ExportDocument("가/1", TEXT, [Entity(0, 3, "PS")], {"source": "신문"}),
        ExportDocument("b", "없음", []),
    ]
    out = io.BytesIO()
    assert list(label_studio.write(documents, out)) == []
    first = json.loads(out.getvalue())[0]
    assert first["data"] == {"text": TEXT, "external_id": "가/1", "meta": {"source": "신문"}}
    (result,) = first["annotations"][0]["result"]
    assert (result["from_name"], result["to_name"], result["type"]) == ("label", "text", "labels")
    assert result["value"] == {"start": 0, "end": 3, "text": "김철수", "labels": ["PS"]}
    (tmp_path / "a.json").write_bytes(out.getvalue())
    back = good(records_of(tmp_path / "a.json"))
    assert [(one.external_id, one.text, one.entities, one.meta) for one in back] == [
        (one.id, one.text, one.entities, one.meta) for one in documents
    ]


def test_a_given_configuration_names_its_control_and_its_labels() -> None:
    entities = [Entity(0, 3, "PS"), Entity(4, 6, "LC")]
    out = io.BytesIO()
    options = WriteOptions(label_config=CONFIG)
    (loss,) = label_studio.write([ExportDocument("a", TEXT, entities)], out, options)
    assert str(loss) == "document 'a' [4, 6) 'LC': the label configuration does not have this label"
    (first,) = json.loads(out.getvalue())
    assert first["data"]["body"] == TEXT
    assert [one["from_name"] for one in first["annotations"][0]["result"]] == ["ner"]


def flat(*regions: dict[str, Any], number: int = 1, annotation: int = 1) -> dict[str, Any]:
    its = {"label": [one["value"] for one in regions]} if regions else {}
    more = {"annotator": 1, "annotation_id": annotation, "lead_time": 2.5, "created_at": "2026"}
    return {"text": TEXT, "source": "신문", "id": number, **its, **more}


def read_min(folder: Path, *records: object) -> list[DocumentRecord | RefusedLine]:
    return records_in(folder, json.dumps(records), label_studio_min, "a.json")


def test_json_min_has_the_regions_of_one_annotation(tmp_path: Path) -> None:
    first, second = good(read_min(tmp_path, flat(region(0, 3, "PS")), flat(number=2)))
    assert (first.external_id, first.text) == ("1", TEXT)
    assert (first.entities, second.entities) == ([Entity(0, 3, "PS")], [])
    assert first.meta == {"source": "신문"}


def test_the_annotations_of_a_task_stand_apart_in_json_min(tmp_path: Path) -> None:
    same = [flat(region(0, 3, "PS"), annotation=n) for n in (1, 2)]
    other = [flat(region(0, end, "PS"), number=2, annotation=end) for end in (3, 4)]
    agreed, apart, *refused = read_min(tmp_path, *same, *other)
    assert isinstance(agreed, DocumentRecord)
    assert isinstance(apart, DocumentRecord)
    assert (agreed.entities, apart.entities) == ([Entity(0, 3, "PS")], None)
    assert ["disagree" in str(one) for one in refused] == [True, True]
