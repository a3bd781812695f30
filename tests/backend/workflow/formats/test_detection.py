"""Each format's own examples are told to be of it and of no other; what is ambiguous is asked."""

import json
import zipfile
from pathlib import Path

import pytest

from backend.workflow.formats.detection import UnknownFormatError
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.registry import BY_NAME, FORMATS

SAMPLES: dict[str, list[object]] = {
    "jsonl": [
        {"text": "서울", "entities": [{"start": 0, "end": 2, "label": "LC"}]},
        {"id": "1", "text": "서울", "entities": []},
        {"text": "서울"},
        {"text": "서울", "meta": {"label": [[0, 2, "LC"]]}},
    ],
    "label-studio": [
        [{"id": 1, "data": {"text": "서울"}, "annotations": [], "predictions": []}],
        {"id": 1, "data": {"text": "서울"}, "annotations": [{"result": []}]},
        [{"data": {"text": "서울"}}],
    ],
    "label-studio-min": [
        [{"text": "서울", "id": 1, "annotator": 1, "annotation_id": 1, "lead_time": 1.5}],
        [
            {
                "text": "서울",
                "id": 1,
                "label": [{"start": 0, "end": 2, "text": "서울", "labels": ["LC"]}],
                "annotation_id": 1,
            }
        ],
    ],
    "doccano": [
        {"id": 1, "text": "서울", "label": [[0, 2, "LC"]]},
        {"id": 1, "text": "서울", "labels": [[0, 2, "LC"]]},
        {"id": 1, "text": "서울", "label": [], "Comments": []},
        {
            "id": 1,
            "text": "서울",
            "entities": [{"id": 1, "label": "LC", "start_offset": 0, "end_offset": 2}],
            "relations": [],
        },
    ],
    "prodigy": [
        {"text": "서울", "spans": [{"start": 0, "end": 2, "label": "LC"}], "answer": "accept"},
        {"text": "서울", "_input_hash": 1, "_task_hash": 2, "answer": "reject"},
    ],
    "token-tags": [
        {"tokens": ["서울", "에"], "ner_tags": [1, 0]},
        [{"id": "0", "words": ["서울"], "tags": ["B-LC"]}],
    ],
    "cluener": [{"text": "浙商银行", "label": {"company": {"浙商银行": [[0, 3]]}}}],
    "sentence-json": [
        {
            "id": "N",
            "document": [
                {
                    "id": "N.1",
                    "sentence": [
                        {
                            "id": "N.1.1",
                            "form": "서울",
                            "word": [{"id": 1, "form": "서울", "begin": 0, "end": 2}],
                            "NE": [{"id": 1, "form": "서울", "label": "LC", "begin": 0, "end": 2}],
                        }
                    ],
                }
            ],
        },
        {
            "docu_info": {
                "sentences": [
                    {
                        "sentence": "서울",
                        "annotations": [
                            {"TagText": "서울", "TagCode": "LC", "startPos": 0, "endPos": 1}
                        ],
                    }
                ]
            }
        },
    ],
}
CASES = [(name, sample) for name, samples in SAMPLES.items() for sample in samples]


def written(folder: Path, sample: object, name: str, *, indent: int | None = None) -> Path:
    path = folder / name
    path.write_text(json.dumps(sample, ensure_ascii=False, indent=indent), "utf-8")
    return path


@pytest.mark.parametrize(("name", "sample"), CASES)
@pytest.mark.parametrize("file", ["a.json", "a.jsonl", "a", "a.txt"])
def test_every_form_of_json_is_told(tmp_path: Path, name: str, sample: object, file: str) -> None:
    with open_records(written(tmp_path, sample, file)) as opened:
        assert opened.format is BY_NAME[name]


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_json_over_many_lines_is_told_and_read(tmp_path: Path, name: str, sample: object) -> None:
    with open_records(written(tmp_path, sample, "a.json", indent=1)) as opened:
        if name not in ("jsonl", "cluener"):  # which are an object a line
            assert opened.format is BY_NAME[name]
            assert len(list(opened.records)) == 1


@pytest.mark.parametrize(
    ("name", "content", "file"),
    [
        ("text", "한 줄\n두 줄, 그리고\n", "a.txt"),
        ("text", "한 줄\n두 줄\n", "README"),
        ("table", "id,text\n1,서울\n", "a.csv"),
        ("table", "번호\t문장\n1\t서울에 간다\n", "a.tsv"),
        ("table", "제목;본문\nㄱ;서울\n", "a"),
        ("brat", "T1\tLC 0 2\t서울\n", "a.ann"),
        ("brat", "", "a.ann"),
        ("jsonl", '{"foo": 1}\n', "a.jsonl"),
        ("jsonl", '{"text": broken\n{"text": "가", "entities": []}\n', "a"),
    ],
)
def test_what_is_no_json_is_told(tmp_path: Path, name: str, content: str, file: str) -> None:
    (tmp_path / file).write_text(content, "utf-8")
    with open_records(tmp_path / file) as opened:
        assert opened.format is BY_NAME[name]


@pytest.mark.parametrize("content", ['{"foo": 1}', "[1, 2]", "<xml/>", '{"text": 5}'])
def test_what_nothing_reads_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")
    with (
        pytest.raises(UnknownFormatError, match="in no format known"),
        open_records(tmp_path / "a.json"),
    ):
        pass


def test_what_two_formats_could_be_is_asked(tmp_path: Path) -> None:
    content = "浙商银行\tB-ORG\n信贷部\tI-ORG\n博士\tO\n\n" * 9
    (tmp_path / "a.conll").write_text(content, "utf-8")
    with (
        pytest.raises(UnknownFormatError, match=r"could be bio-characters or bio-words.*--format"),
        open_records(tmp_path / "a.conll"),
    ):
        pass
    with open_records(tmp_path / "a.conll", BY_NAME["bio-words"]) as opened:
        assert len(list(opened.records)) == 9


def test_an_archive_is_of_one_format_whatever_lies_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.txt", "읽어 보세요\n")
        archive.writestr("data.json", json.dumps(SAMPLES["sentence-json"][0]))
    with open_records(path) as opened:
        assert opened.format is BY_NAME["sentence-json"]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.json", json.dumps(SAMPLES["label-studio"][0]))
    with (
        pytest.raises(UnknownFormatError, match="label-studio and sentence-json"),
        open_records(path),
    ):
        pass


def test_names_are_distinct_and_every_format_is_documented() -> None:
    assert len(BY_NAME) == len(FORMATS)
    for format in FORMATS:
        assert format.DESCRIPTION
        assert format.EXTENSIONS
        assert all(one.startswith(".") and one == one.lower() for one in format.EXTENSIONS)
