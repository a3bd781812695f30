"""A file of each text format imported twice, on both databases: the second time adds nothing."""

from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.loop.import_files import import_file

FILES = {
    "bio-characters": ("a.conll", "서0\tB-LC\n울1\tI-LC\n에0\tO\n\n간0\tO\n다1\tO\n"),
    "bioes-characters": ("a.bmes", "서 B-LC\n울 E-LC\n에 O\n\n간 O\n다 O\n"),
    "bio-words": ("eng.train", "-DOCSTART- -X- O\n\n서울 NNP I-LC\n에 JKB O\n\n간다 VV O\n"),
    "bioes-words": ("a.txt", "서울\tU-LC\n에\tO\n\n간다\tO\n"),
    "inline": ("a.txt", "<서울:LC>에\n간다\n"),
    "nersota": ("a.txt", "서울에␞<서울:LC>에\n간다␞간다\n"),
    "kmounlp": ("a_NER.txt", "## 1\n## 서울에\n## <서울:LC>에\n\n## 2\n## 간다\n## 간다\n"),
    "klp2016": ("a.txt", "; 서울에\n$<서울:LC>에\n\n; 간다\n$간다\n"),
    "klue": ("a.tsv", "## d1\t<서울:LC>\n서\tB-LC\n울\tI-LC\n\n## d2\t간다\n간\tO\n다\tO\n"),
    "naver": ("train_data", "1\t서울에\tLC_B\n2\t간다\t-\n\n1\t간다\t-\n"),
    "cluener": (
        "a.json",
        '{"text": "서울에", "label": {"LC": {"서울": [[0, 1]]}}}\n{"text": "간다", "label": {}}\n',
    ),
}


@pytest.fixture
def project(any_database: Database) -> Database:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS", "LC"]))
    return any_database


def test_the_same_files_twice_add_nothing(project: Database, tmp_path: Path) -> None:
    for name, (file, content) in FILES.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_text(content)
        first = import_file(project, "p", folder / file, "train")
        assert first.read_as == f"{name}, UTF-8"
        assert first.refused_lines == 0
        before = everything(project)
        again = import_file(project, "p", folder / file, "train")
        assert (again.added, again.with_gold, again.already_there) == (0, 0, 2)
        assert everything(project) == before


def test_every_format_brings_its_text_and_gold(project: Database, tmp_path: Path) -> None:
    for name, (file, content) in FILES.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_text(content)
        import_file(project, "p", folder / file, "train")
    for text, entities in everything(project):
        marked = [text[one["start"] : one["end"]] for one in entities]
        assert marked in ([], ["서울"], ["서울에"])
        assert bool(marked) == ("서울" in text)


def everything(database: Database) -> list[tuple[str, list[dict[str, int]]]]:
    with database.read() as session:
        rows = session.execute(
            select(Document.text, Gold.entities).join(Gold).order_by(Document.id)
        )
        return [(text, entities) for text, entities in rows]


def test_what_people_should_know_of_a_document_is_in_the_report(
    project: Database, tmp_path: Path
) -> None:
    path = tmp_path / "klue.tsv"
    path.write_text("## d1\t<서울:PS>\n서\tB-LC\n울\tI-LC\n")
    report = import_file(project, "p", path, "train")
    assert report.with_gold == 1
    assert report.notes == [
        "klue.tsv:1: the header says otherwise than the rows, which are taken: "
        "only in the header: <서울:PS>; only in the rows: <서울:LC>"
    ]
