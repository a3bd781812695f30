"""Pieces of published corpora, as they are published: exactly the documents of the JSONL beside
them. They are not ours to ship, so this runs where the folder is.
"""

import gzip
import json
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from backend.workflow.formats import bio_characters, cluener, klp2016, klue, kmounlp
from backend.workflow.formats.format import Format
from backend.workflow.formats.markup import align, read_line, write_line
from backend.workflow.formats.reading import open_records
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good

CORPORA = Path(__file__).parents[5] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"{CORPORA} is not on this machine")

Key = tuple[int, int, str]


@pytest.mark.parametrize(
    ("raw", "format", "count"),
    [
        ("cluener_train_head.json", cluener, 600),
        ("klp2016_dev.txt", klp2016, 366),
        ("kmounlp_00002_NER.txt", kmounlp, 14),
        ("kmounlp_EXOBRAIN_NE_CORPUS_002.txt", kmounlp, 485),
        ("weibo_dev.conll", bio_characters, 270),
        ("klue_ner_dev_head.tsv", klue, 100),
    ],
)
def test_a_raw_piece_is_known_and_nothing_of_it_refused(
    raw: str, format: Format, count: int
) -> None:
    with open_records(CORPORA / "raw" / raw) as opened:
        assert opened.format is format
        assert len(good(list(opened.records))) == count


@pytest.mark.parametrize(
    ("raw", "beside"),
    [
        ("cluener_train_head.json", "cluener-train.jsonl"),
        ("klp2016_dev.txt", "klp2016-dev.jsonl"),
        ("weibo_dev.conll", "weibo-dev.jsonl"),
    ],
)
def test_the_documents_are_those_of_the_jsonl_in_order(raw: str, beside: str) -> None:
    found = read(CORPORA / "raw" / raw)
    assert found == jsonl(beside)[: len(found)]


@pytest.mark.parametrize("raw", ["kmounlp_00002_NER.txt", "kmounlp_EXOBRAIN_NE_CORPUS_002.txt"])
def test_the_documents_are_among_those_of_the_jsonl(raw: str) -> None:
    beside = defaultdict(list)
    for text, entities in jsonl("kmounlp-train.jsonl"):
        beside[text].append(entities)
    for text, entities in read(CORPORA / "raw" / raw):
        assert entities in beside[text]


CHINESE = ("cluener_train_head.json", "weibo_dev.conll")
KOREAN = (
    "klp2016_dev.txt",
    "kmounlp_00002_NER.txt",
    "kmounlp_EXOBRAIN_NE_CORPUS_002.txt",
    "klue_ner_dev_head.tsv",
)
UNICODE = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
@pytest.mark.parametrize(
    ("raw", "codec"),
    [
        *((raw, codec) for raw in CHINESE for codec in (*UNICODE, "gb18030")),
        *((raw, codec) for raw in KOREAN for codec in (*UNICODE, "cp949")),
    ],
)
def test_a_raw_piece_is_the_same_in_every_encoding_and_packing(
    tmp_path: Path, raw: str, codec: str, packing: str
) -> None:
    # what CP949 lacks becomes a question mark, in both files
    content = (CORPORA / "raw" / raw).read_bytes().decode("utf-8-sig").encode(codec, "replace")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / raw).write_text(content.decode(codec), "utf-8", newline="")
    path = tmp_path / (raw if packing == "plain" else f"{raw}.{packing}")
    if packing == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(raw, content)
    else:
        path.write_bytes(gzip.compress(content) if packing == "gz" else content)
    found = read(path)
    assert found
    assert found == read(tmp_path / "plain" / raw)


def test_klue_rows_and_headers_agree() -> None:
    path = CORPORA / "raw" / "klue_ner_dev_head.tsv"
    headers = [
        line.split("\t", 1)[1]
        for line in path.read_text(encoding="utf-8").split("\n")
        if line.startswith("## klue-ner")
    ]
    with open_records(path) as opened:
        documents = good(list(opened.records))
    assert [align(one.text, header) for one, header in zip(documents, headers, strict=True)] == [
        one.entities for one in documents
    ]
    assert all(not one.meta for one in documents)


@pytest.mark.parametrize("name", ["kmounlp-train", "klp2016-train", "weibo-train"])
def test_whole_corpora_are_marked_and_read_again(name: str) -> None:
    """Without an escape, as their publishers mark them, and in lines of ours."""
    for text, keys in jsonl(f"{name}.jsonl"):
        entities = [Entity(*key) for key in keys]
        marked, at = "", 0
        for entity in entities:
            marked += text[at : entity.start]
            marked += f"<{text[entity.start : entity.end]}:{entity.label}>"
            at = entity.end
        assert align(text, marked + text[at:]) == entities
        assert read_line(write_line(text, entities)) == (text, entities)


def read(path: Path) -> list[tuple[str, list[Key]]]:
    with open_records(path) as opened:
        return [
            (one.text, [entity.key for entity in one.entities or ()])
            for one in good(list(opened.records))
        ]


def jsonl(name: str) -> list[tuple[str, list[Key]]]:
    with (CORPORA / name).open(encoding="utf-8", newline="\n") as file:
        records = [json.loads(line) for line in file]
    return [
        (one["text"], sorted((e["start"], e["end"], e["label"]) for e in one["entities"]))
        for one in records
    ]
