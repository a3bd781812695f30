"""Parquet in, with the names of its tags, and out, exact and ready for token classification."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backend.errors import InvalidInputError
from backend.workflow.formats import parquet
from backend.workflow.formats.format import ExportDocument, WriteOptions
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from backend.workflow.formats.source import ReadOptions
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_of, shown

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def table(
    folder: Path, columns: dict[str, object], names: list[str] | None = None, form: str = "Sequence"
) -> Path:
    found = pa.table(columns)
    if names:
        label = {"names": names, "_type": "ClassLabel"}
        feature = [label] if form == "list" else {"feature": label, "_type": form}
        info = json.dumps({"info": {"features": {"ner_tags": feature}}})
        found = found.replace_schema_metadata({"huggingface": info})
    path = folder / "a.parquet"
    pq.write_table(found, path)
    return path


@pytest.mark.parametrize("form", ["Sequence", "List", "list"])
def test_tags_that_are_numbers_have_the_names_of_the_class_label(tmp_path: Path, form: str) -> None:
    columns = {
        "id": ["0", "1"],
        "tokens": [["John", "Smith", "in", "Seoul"], ["김철수", "간다"]],
        "ner_tags": [[1, 2, 0, 3], [1, 0]],
    }
    first, second = good(records_of(table(tmp_path, columns, NAMES, form)))
    assert (first.text, second.text) == ("John Smith in Seoul", "김철수 간다")
    assert first.entities == [Entity(0, 10, "PER"), Entity(14, 19, "LOC")]
    assert (first.labels, first.external_id) == (("PER", "LOC"), None)


def test_tags_may_be_strings_and_characters_are_joined_without_spaces(tmp_path: Path) -> None:
    columns = {
        "tokens": [list("浙商银行的人")],
        "ner_tags": [["B-ORG"] + ["I-ORG"] * 3 + ["O"] * 2],
    }
    (found,) = good(records_of(table(tmp_path, columns)))
    assert (found.text, found.entities) == ("浙商银行的人", [Entity(0, 4, "ORG")])
    assert found.labels is None


def test_the_rows_own_text_is_kept_where_the_tokens_stand_in_it(tmp_path: Path) -> None:
    columns = {
        "sentence": ["김철수는  서울에,\u3000간다", "<김철수:PER>는"],
        "tokens": [["김철수", "는", "서울", "에", ",", "간다"], ["김철수", "는"]],
        "ner_tags": [[1, 0, 3, 0, 0, 0], [1, 0]],
    }
    found = shown(records_of(table(tmp_path, columns, NAMES)))
    assert found == [
        ("김철수는  서울에,\u3000간다", [("김철수", "PER"), ("서울", "LOC")]),
        ("김철수 는", [("김철수", "PER")]),
    ]


@pytest.mark.parametrize(
    ("tags", "names", "reason"),
    [
        ([1, 2], None, "does not say what they stand for; name them with --tag-names"),
        ([1, 9], NAMES, "has no such number"),
        ([1], NAMES, "2 tokens and 1 tags"),
        ([1, 4], NAMES, "token 2: "),
    ],
)
def test_tags_that_say_nothing_are_refused(
    tmp_path: Path, tags: list[int], names: list[str] | None, reason: str
) -> None:
    # a second row that shows the scheme to be BIO
    columns = {"tokens": [["가", "나"], list("가나다라")], "ner_tags": [tags, [1, 2, 3, 4]]}
    refused = records_of(table(tmp_path, columns, names))[0]
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason
    assert str(refused).startswith("a.parquet: record 1: ")


def test_what_was_refused_is_mended_as_json(tmp_path: Path) -> None:
    columns = {"tokens": [["가", "나"]], "ner_tags": [[1, 4]]}
    (refused,) = records_of(table(tmp_path, columns, NAMES))
    assert isinstance(refused, RefusedLine)
    assert refused.raw == {"tokens": ["가", "나"], "ner_tags": ["B-PER", "I-LOC"]}


def test_names_that_a_person_gives_are_taken(tmp_path: Path) -> None:
    path = table(tmp_path, {"tokens": [["가", "나"]], "ner_tags": [[1, 2]]})
    with open_records(path, None, ReadOptions(tag_names=tuple(NAMES))) as opened:
        (found,) = good(list(opened.records))
    assert found.entities == [Entity(0, 2, "PER")]


def test_a_text_column_is_read_and_the_others_kept(tmp_path: Path) -> None:
    path = table(tmp_path, {"본문": ["서울", "부산"], "id": ["a", "b"], "year": [2019, 2020]})
    with pytest.raises(InvalidInputError, match="among '본문', 'id', 'year'; name one with"):
        records_of(path)
    with open_records(path, None, ReadOptions(text_column="본문")) as opened:
        found = good(list(opened.records))
    assert [(one.external_id, one.text, one.meta) for one in found] == [
        ("a", "서울", {"year": 2019}),
        ("b", "부산", {"year": 2020}),
    ]
    assert opened.encoding == "binary"


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(InvalidInputError, match="no sound Parquet file"):
        records_of(path)


def test_out_and_in_again_exactly_in_batches(tmp_path: Path) -> None:
    documents = [
        ExportDocument(f"d{n}", f"김철수 {n}\n🙂 각각", [Entity(0, 3, "학문/이론")], {"n": [n]})
        for n in range(parquet.BATCH + 3)
    ]
    out = io.BytesIO()
    assert list(parquet.write(documents, out, WriteOptions(labels=("LC",)))) == []
    for name, content in (("a.parquet", out.getvalue()), ("b.gz", gzip.compress(out.getvalue()))):
        (tmp_path / name).write_bytes(content)
        back = good(records_of(tmp_path / name))
        assert [(one.external_id, one.text, one.entities, one.meta) for one in back] == [
            (one.id, one.text, one.entities, one.meta) for one in documents
        ]
        assert back[0].labels == ("LC", "학문/이론")


def test_what_is_written_is_token_classification_as_it_is(tmp_path: Path) -> None:
    out = io.BytesIO()
    document = ExportDocument("a", "김철수 서울", [Entity(0, 3, "PS"), Entity(4, 6, "LC")])
    list(parquet.write([document], out))
    found = pq.read_table(io.BytesIO(out.getvalue()), columns=["tokens", "ner_tags"])
    features = json.loads(found.schema.metadata[b"huggingface"])["info"]["features"]
    names = features["ner_tags"]["feature"]["names"]
    (row,) = found.to_pylist()
    assert row["tokens"] == list("김철수 서울")
    assert [names[tag] for tag in row["ner_tags"]] == ["B-PS", "I-PS", "I-PS", "O", "B-LC", "I-LC"]
