"""JSON Lines in: every text kept exactly, every refused line told with its reason."""

import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.formats import jsonl
from backend.workflow.formats.jsonl import read_line
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.refused import RefusedFiles
from ml_backend.contract.entity import Entity

TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1
).filter(str.strip)


def line_of(record: object) -> DocumentRecord | RefusedLine:
    return read_line(json.dumps(record).encode(), file="f.jsonl", number=3)


@given(TEXT)
def test_a_text_comes_back_exactly(text: str) -> None:
    found = read_line(orjson.dumps({"text": text}), file="f", number=1)
    assert isinstance(found, DocumentRecord)
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "가나다",
        "각",
        "줄\r\n바꿈\r",
        "줄\u2028가름\u2029",
        "👨‍👩‍👧 가족",
        "𠮷野家",
        " \u200b앞뒤 \t",
    ],
)
def test_a_file_of_awkward_texts_is_read_line_by_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": text}, ensure_ascii=False), json.dumps({"text": "끝"})]
    file.write_bytes(b"\xef\xbb\xbf" + "\n\n".join(lines).encode() + b"\r\n")
    first, last = read_path(file)
    assert isinstance(first, DocumentRecord)
    assert isinstance(last, DocumentRecord)
    assert (first.text, first.line, last.text, last.line) == (text, 1, "끝", 3)


def test_entities_are_sorted_and_other_keys_kept_as_meta() -> None:
    found = line_of(
        {
            "id": 7,
            "text": "김철수는 서울에",
            "entities": [
                {"start": 5, "end": 7, "label": "LC", "text": "서울"},
                {"start": 0, "end": 3, "label": "PS"},
            ],
            "meta": {"source": "신문"},
            "year": 2020,
        }
    )
    assert isinstance(found, DocumentRecord)
    assert found.external_id == "7"
    assert found.entities == [Entity(0, 3, "PS"), Entity(5, 7, "LC")]
    assert found.meta == {"source": "신문", "year": 2020}


@pytest.mark.parametrize("record", [{"text": "가"}, {"text": "가", "entities": None}])
def test_absent_entities_are_not_no_entities(record: dict[str, object]) -> None:
    absent, none = line_of(record), line_of({"text": "가", "entities": []})
    assert isinstance(absent, DocumentRecord)
    assert isinstance(none, DocumentRecord)
    assert (absent.entities, none.entities) == (None, [])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([1], "not a JSON object"),
        ({}, "text is missing"),
        ({"text": 5}, "text must be a string"),
        ({"text": " \n"}, "text is empty"),
        ({"text": "a\0b"}, "NUL"),
        ({"text": "가", "id": ""}, "id must be"),
        ({"text": "가", "id": True}, "id must be"),
        ({"text": "가", "id": "x" * 201}, "201 characters"),
        ({"text": "가", "entities": {}}, "entities must be a list"),
        ({"text": "가", "entities": ["x"]}, "entities must be a list of objects"),
        ({"text": "가", "entities": [{"start": 0, "end": 2, "label": "PS"}]}, "out of range"),
        ({"text": "가", "entities": [{"start": 1, "end": 0, "label": "PS"}]}, "out of range"),
        ({"text": "가", "entities": [{"start": "0", "end": 1, "label": "PS"}]}, "whole numbers"),
        ({"text": "가", "entities": [{"start": 0, "end": 1}]}, "label"),
        (
            {"text": "가나", "entities": [{"start": 0, "end": 1, "label": "PS", "text": "나"}]},
            "says it is '나'",
        ),
        (
            {
                "text": "가나다",
                "entities": [
                    {"start": 0, "end": 2, "label": "PS"},
                    {"start": 1, "end": 3, "label": "LC"},
                ],
            },
            "overlap",
        ),
        ({"text": "가", "meta": []}, "meta must be"),
    ],
)
def test_a_refused_line_says_where_and_why(record: object, reason: str) -> None:
    found = line_of(record)
    assert isinstance(found, RefusedLine)
    assert reason in str(found)
    assert str(found).startswith("f.jsonl:3: ")


def test_an_array_of_the_same_objects_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    good = {"id": "a", "text": "서울에", "entities": [{"start": 0, "end": 2, "label": "LC"}]}
    path.write_text(json.dumps([good, {"text": ""}, 3], indent=1, ensure_ascii=False), "utf-8")
    first, *refused = read_path(path)
    assert isinstance(first, DocumentRecord)
    assert (first.external_id, first.text, len(first.entities or ())) == ("a", "서울에", 1)
    assert [str(one) for one in refused] == [
        "a.json: record 2: text is empty",
        "a.json: record 3: not a JSON object",
    ]


@pytest.mark.parametrize("line", [b"{", b'{"text": "\xff"}', b'{"text": "\\ud800"}'])
def test_what_is_not_json_in_utf8_is_refused(line: bytes) -> None:
    found = read_line(line, file="f", number=1)
    assert isinstance(found, RefusedLine)
    assert "not JSON" in found.reason


def test_a_refused_line_can_be_mended_and_read_again(tmp_path: Path) -> None:
    refused = line_of({"id": "a", "text": "가", "entities": [{"start": 0, "end": 9, "label": "P"}]})
    assert isinstance(refused, RefusedLine)
    with RefusedFiles(tmp_path / "f.jsonl") as files:
        files.add(refused)
    record = json.loads((tmp_path / "f.jsonl.refused.jsonl").read_text("utf-8"))
    assert record["refused"].startswith("line 3: ")
    record["entities"][0]["end"] = 1
    mended = line_of(record)
    assert isinstance(mended, DocumentRecord)
    assert (mended.external_id, mended.meta) == ("a", {})


def test_what_our_own_gold_says_was_not_annotated_is_read() -> None:
    found = line_of({"text": "가", "not_annotated": ["PS"], "meta": {"k": 1}})
    odd = line_of({"text": "가", "not_annotated": "PS"})
    assert isinstance(found, DocumentRecord)
    assert isinstance(odd, DocumentRecord)
    assert (found.not_annotated, found.meta) == (("PS",), {"k": 1})
    assert (odd.not_annotated, odd.meta) == ((), {"not_annotated": "PS"})


def test_what_our_export_tells_of_gold_is_no_data_of_the_document() -> None:
    told = dict.fromkeys(jsonl.TOLD, "x")
    ours = line_of({"text": "가", **told, "meta": {"k": 1}})
    other = line_of({"text": "가", "source": "신문", "part": "1면"})
    assert isinstance(ours, DocumentRecord)
    assert isinstance(other, DocumentRecord)
    assert (ours.meta, other.meta) == ({"k": 1}, {"source": "신문", "part": "1면"})
