"""Gold from JSON Lines: what is good is read, what is bad is told by file, line and reason."""

from pathlib import Path

import orjson
import pytest

from ml_backend.contract.entity import Entity
from ml_backend.training.files import FileError, duplicate_key, read_gold

GOOD = {"text": "롯데는 부산에 있다", "entities": [{"start": 0, "end": 2, "label": "ORG"}]}


def write(path: Path, *records: object) -> Path:
    path.write_bytes(
        b"".join(r if isinstance(r, bytes) else orjson.dumps(r) + b"\n" for r in records)
    )
    return path


def test_a_line_becomes_a_document(tmp_path: Path) -> None:
    full = {**GOOD, "id": 7, "group": "g", "not_annotated": ["PER"], "meta": {"any": "thing"}}
    read = read_gold([write(tmp_path / "a.jsonl", full, GOOD)])
    assert read.refused == []
    first, second = read.documents
    assert (first.id, first.group, first.missing) == ("7", "g", {"PER"})
    assert (first.text, first.entities) == (GOOD["text"], [Entity(0, 2, "ORG")])
    assert (second.id, second.missing) == ("a.jsonl:2", frozenset())
    assert second.group == duplicate_key(GOOD["text"])
    assert read.labels() == ["ORG", "PER"]


def test_entities_are_sorted_and_another_tools_probabilities_are_not_gold(tmp_path: Path) -> None:
    entities = [
        {"start": 4, "end": 6, "label": "LOC", "probability": 0.4},
        {"start": 0, "end": 2, "label": "ORG", "probability": "high"},
    ]
    read = read_gold([write(tmp_path / "a.jsonl", {**GOOD, "entities": entities})])
    assert read.documents[0].entities == [Entity(0, 2, "ORG"), Entity(4, 6, "LOC")]
    assert {entity.probability for entity in read.documents[0].entities} == {None}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{not json}\n", "not JSON in UTF-8"),
        (b'{"text": "\xff"}\n', "not JSON in UTF-8"),
        (b'{"text": "\\ud800", "entities": []}\n', "not JSON in UTF-8"),
        ([1, 2], "not a JSON object"),
        ({"entities": []}, "text is missing"),
        ({"text": 3, "entities": []}, "text must be a string"),
        ({"text": "a"}, "entities must be a list of objects"),
        ({"text": "a", "entities": [1]}, "entities must be a list of objects"),
        ({"text": "a", "entities": [{"start": 0, "end": 2, "label": "X"}]}, "out of range"),
        ({"text": "a", "entities": [{"start": 0, "end": 1, "label": " X"}]}, "white space"),
        ({"text": "a", "entities": [{"start": 0, "end": 1, "label": ""}]}, "non-empty string"),
        ({"text": "a", "entities": [{"start": False, "end": 1, "label": "X"}]}, "whole numbers"),
        ({"text": "a", "entities": [{"start": 0, "end": 1, "label": "X"}] * 2}, "given twice"),
        ({**GOOD, "not_annotated": "ORG"}, "not_annotated must be a list"),
        ({**GOOD, "not_annotated": ["ORG"]}, "'ORG' is annotated here"),
        ({**GOOD, "id": ""}, "id must be"),
        ({**GOOD, "group": 1.5}, "group must be"),
    ],
)
def test_a_bad_line_is_told_and_the_rest_goes_on(tmp_path: Path, bad: object, reason: str) -> None:
    path = write(tmp_path / "a.jsonl", GOOD, b"\n", bad, GOOD)
    read = read_gold([path])
    assert [document.id for document in read.documents] == ["a.jsonl:1", "a.jsonl:4"]
    assert len(read.refused) == 1
    assert str(read.refused[0]).startswith(f"{path}, line 3: ")
    assert reason in read.refused[0].reason


def test_overlaps_are_refused_unless_allowed(tmp_path: Path) -> None:
    nested = [{"start": 0, "end": 2, "label": "A"}, {"start": 1, "end": 3, "label": "B"}]
    path = write(tmp_path / "a.jsonl", GOOD, {"text": "abc", "entities": nested})
    assert "overlap" in read_gold([path]).refused[0].reason
    assert len(read_gold([path], overlapping=True).documents) == 2


def test_of_nested_entities_those_that_cross_are_refused(tmp_path: Path) -> None:
    def line(*spans: tuple[int, int]) -> dict[str, object]:
        labels = zip(spans, "AB", strict=True)
        return {
            "text": "abcd",
            "entities": [{"start": s, "end": e, "label": label} for (s, e), label in labels],
        }

    path = write(
        tmp_path / "a.jsonl", line((0, 3), (1, 2)), line((0, 3), (1, 4)), line((0, 3), (0, 3)), GOOD
    )
    read = read_gold([path], nested=True)
    assert [document.id for document in read.documents] == ["a.jsonl:1", "a.jsonl:4"]
    assert [refused.line for refused in read.refused] == [2, 3]
    assert "(0, 3, 'A') and (1, 4, 'B') cannot both be" in read.refused[0].reason


def test_only_when_nothing_is_left_it_is_an_error(tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", GOOD)
    bad = write(tmp_path / "bad.jsonl", b"\n", b"nonsense\n", {"text": "a"})
    with pytest.raises(FileError, match=r"bad\.jsonl: no line of it can be used; line 2: not JSON"):
        read_gold([good, bad])
    with pytest.raises(FileError, match=r"empty\.jsonl: no line of it can be used$"):
        read_gold([write(tmp_path / "empty.jsonl")])
    with pytest.raises(FileError, match=r"none\.jsonl: No such file"):
        read_gold([tmp_path / "none.jsonl"])


def test_a_byte_order_mark_and_separators_inside_a_text_are_no_trouble(tmp_path: Path) -> None:
    record = {"text": "a\u2028b\x85c", "entities": []}
    path = write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + orjson.dumps(record) + b"\r\n", GOOD)
    read = read_gold([path])
    assert read.refused == []
    assert read.documents[0].text == record["text"]


def test_texts_that_differ_by_width_case_or_space_are_one_group() -> None:
    assert duplicate_key("ＡＢ  서울 ") == duplicate_key("ab 서울")
    assert duplicate_key("ab서울") != duplicate_key("ab 서울")
