"""brat: pairs of files wherever they lie; what is not one span of the text is refused."""

import io
import zipfile
from pathlib import Path

import pytest

from backend.workflow.formats import brat
from backend.workflow.formats.format import ExportDocument, WriteOptions
from backend.workflow.formats.record import RefusedLine
from backend.workflow.formats.refused import RefusedFiles
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_of

TEXT = "🙂 김철수는\r\n서울에 간다\n"
ANN = "T1\tPS 2 5\t김철수\nT2\tLC 8 10\t서울\nR1\tin Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\t메모\n"
ENTITIES = [Entity(2, 5, "PS"), Entity(8, 10, "LC")]


def pair(folder: Path, name: str = "문서", text: str = TEXT, ann: str | None = ANN) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    if ann is not None:
        (folder / f"{name}.ann").write_bytes(ann.encode())
    return folder


@pytest.mark.parametrize("given", ["문서.ann", "문서.txt", ""])
def test_either_file_or_the_folder_gives_the_document(tmp_path: Path, given: str) -> None:
    (found,) = good(records_of(pair(tmp_path / "all") / given))
    assert (found.external_id, found.text, found.entities) == ("문서", TEXT, ENTITIES)
    assert found.meta == {"brat": {"relations": 1, "notes": 1}}


def test_a_zip_of_folders_is_read_and_texts_alone_have_no_entities(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/1.txt", TEXT)
        archive.writestr("x/1.ann", ANN)
        archive.writestr("y/1.txt", TEXT)
        archive.writestr("y/1.ann", "")
        archive.writestr("z.txt", TEXT)
        archive.writestr("annotation.conf", "[entities]\nPS\n")
    found = good(records_of(path))
    assert [(one.external_id, one.entities) for one in found] == [
        ("x/1", ENTITIES),
        ("y/1", []),
        ("z", None),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("T1\tPS 2 3;4 5\t김 수", "'PS' at 2 3;4 5 is discontinuous"),
        ("T1\tPS 2 5\t박철수", "says it is '박철수', but the text there is '김철수'"),
        ("T1\tPS 2 99\t김철수", "out of range"),
        ("T1\tPS 2-5\t김철수", "not a text-bound annotation"),
        ("T1\tPS 2 5\t김철수\nT2\tLC 4 6\t수는", "overlap"),
    ],
)
def test_what_is_no_entity_of_the_text_refuses_the_pair(
    tmp_path: Path, line: str, reason: str
) -> None:
    pair(tmp_path / "all", "a", ann=line)
    refused, fine = records_of(pair(tmp_path / "all", "b"), brat)
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason
    assert (refused.file, refused.line) == ("all/a.ann", 0 if reason == "overlap" else 1)
    assert good([fine])
    with RefusedFiles(tmp_path / "all.zip") as files:
        files.add(refused)
    (again,) = records_of(files.objects)
    assert isinstance(again, RefusedLine), "what nobody has mended looks like gold"


def test_a_line_end_within_an_entity_is_a_space_in_brat(tmp_path: Path) -> None:
    (found,) = good(records_of(pair(tmp_path / "all", ann="T1\tPS 2 10\t김철수는  서울\n")))
    assert found.entities == [Entity(2, 10, "PS")]


def test_annotations_without_a_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text(ANN, "utf-8")
    (refused,) = records_of(tmp_path / "a.ann")
    assert str(refused) == "a.ann: there is no .txt of this name beside it"


def test_it_says_what_it_cannot_hold_and_twice_gives_the_same_bytes() -> None:
    documents = [
        ExportDocument("a/1", TEXT, [Entity(2, 5, "학문/이론")], {"k": 1}),
        ExportDocument("a/1", TEXT, [Entity(2, 5, "IT 용어")]),
    ]
    first, second = io.BytesIO(), io.BytesIO()
    losses = list(brat.write(documents, first, WriteOptions(labels=("LC",))))
    assert [str(loss) for loss in losses] == [
        "document 'a/1': its id becomes the file name 'a_1'",
        "document 'a/1': brat has no place for meta",
        "document 'a/1': its id becomes the file name 'a_1-2'",
        "document 'a/1' [2, 5) 'IT 용어': brat's labels hold no white space or ';'",
    ]
    list(brat.write(documents, second, WriteOptions(labels=("LC",))))
    assert first.getvalue() == second.getvalue()
    with zipfile.ZipFile(first) as archive:
        assert archive.read("annotation.conf").decode().startswith("[entities]\nLC\n학문/이론\n")
