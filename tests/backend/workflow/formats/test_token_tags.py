"""JSON of tokens and tags: schemes, joining, and what the tags declare."""

import json
from pathlib import Path

import pytest

from backend.workflow.formats import token_tags
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.source import ReadOptions
from tests.backend.workflow.formats.sources import good, records_in, shown


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


@pytest.mark.parametrize(
    "tags",
    [
        ["B-PER", "I-PER", "O", "B-LOC"],
        ["B-PER", "E-PER", "O", "S-LOC"],
        ["B-PER", "L-PER", "O", "U-LOC"],
        ["I-PER", "I-PER", "O", "I-LOC"],
    ],
)
def test_every_scheme_is_found(tmp_path: Path, tags: list[str]) -> None:
    content = lines({"tokens": ["John", "Smith", "in", "Seoul"], "ner_tags": tags})
    assert shown(records_in(tmp_path, content, token_tags)) == [
        ("John Smith in Seoul", [("John Smith", "PER"), ("Seoul", "LOC")])
    ]


def test_an_array_and_other_names_are_read(tmp_path: Path) -> None:
    rows = [{"id": "doc-1", "words": ["서울", "간다"], "tags": ["B-LC", "O"]}]
    (found,) = good(records_in(tmp_path, json.dumps(rows), token_tags, "a.json"))
    assert (found.external_id, found.text) == ("doc-1", "서울 간다")


def test_chinese_words_are_joined_without_spaces(tmp_path: Path) -> None:
    content = lines({"tokens": ["浙商银行", "的", "博士"], "ner_tags": ["B-ORG", "O", "O"]})
    assert shown(records_in(tmp_path, content, token_tags)) == [
        ("浙商银行的博士", [("浙商银行", "ORG")])
    ]


def test_numbers_are_named_by_a_person_who_declares_the_label_set(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"tokens": ["서울", "간다"], "ner_tags": [1, 0]}), "utf-8")
    with open_records(path, None, ReadOptions(tag_names=("O", "B-LC", "I-LC"))) as opened:
        (found,) = good(list(opened.records))
    assert found.labels == ("LC",)


def test_one_bad_row_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    content = lines(
        {"tokens": ["가"], "ner_tags": ["B-LC"]},
        {"tokens": ["가", 7], "ner_tags": ["B-LC", "O"]},
        {"tokens": ["가"], "ner_tags": ["LC?"]},
        {"tokens": ["가"], "ner_tags": None},
        {"tokens": ["나"], "ner_tags": ["O"]},
    )
    first, *refused, last = shown(records_in(tmp_path, content, token_tags, "a.jsonl"))
    assert (first, last) == (("가", [("가", "LC")]), ("나", []))
    assert refused == [
        "a.jsonl:2: tokens must be a list of strings",
        "a.jsonl:3: tags: 'LC?' is no tag of BIO, IOB1, BIOES or BILOU",
        "a.jsonl:4: tags must be a list",
    ]
