"""The gold of a file in three parts that share no text."""

import json
from pathlib import Path

import pytest

from backend.errors import InvalidInputError
from backend.workflow.replay.gold import DEV, POOL, TEST, check_parts, cut, read_gold, write_gold
from ml_backend.contract.snapshot import read_manifest, read_part


def write(path: Path, count: int, **more: object) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = f"{number}번 홍길동은 갔다"
            start = text.index("홍")
            entity = {"start": start, "end": start + 3, "label": "PER"}
            file.write(json.dumps({"text": text, "entities": [entity], **more}) + "\n")
    return path


def test_each_text_is_in_one_part_and_the_same_one_each_time(tmp_path: Path):
    documents, refused = read_gold([write(tmp_path / "gold.jsonl", 300)])
    assert not refused
    parts = cut(documents)
    assert {part: len(its) for part, its in parts.items()} == {TEST: 60, DEV: 24, POOL: 216}
    assert parts == cut(documents[::-1])
    manifest = write_gold(tmp_path / "gold", parts)
    check_parts(manifest)
    assert read_manifest(tmp_path / "gold").digest == manifest.digest
    assert list(read_part(tmp_path / "gold", POOL)) == parts[POOL]


def test_copies_count_once_and_what_nobody_annotated_is_left_out(tmp_path: Path):
    path = write(tmp_path / "gold.jsonl", 30)
    with path.open("a") as file:
        file.write(path.read_text("utf-8"))
        file.write('{"text": "nobody looked"}\n')
        overlap = [{"start": 0, "end": 3, "label": "A"}, {"start": 1, "end": 4, "label": "B"}]
        file.write(json.dumps({"text": "two ways", "entities": overlap}) + "\n")
    documents, refused = read_gold([path])
    assert len(documents) == 30
    assert [one.line for one in refused] == [61, 62]


def test_labels_that_nobody_looked_for_are_kept(tmp_path: Path):
    documents, _ = read_gold([write(tmp_path / "gold.jsonl", 3, not_annotated=["ORG"])])
    assert documents[0].missing == {"ORG"}


def test_too_little_gold_is_refused_with_how_much_there_must_be(tmp_path: Path):
    documents, _ = read_gold([write(tmp_path / "gold.jsonl", 100)])
    with pytest.raises(InvalidInputError, match="needs 251 annotated documents"):
        cut(documents)
