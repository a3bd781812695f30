"""A file of each text format imported twice, on both databases: the second time adds nothing."""

from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.loop.import_files import HowToRead, import_file
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.registry import BY_NAME

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
        '{"text": "서울에", "label": {"LC": {"서울":[[0,1]]}}}\n{"text": "간다", "label": {}}\n',
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


@pytest.mark.parametrize(
    ("name", "damaged", "mended"),
    [
        ("kmounlp", "## <부산:LC>에", "## <서울:LC>에"),
        ("klp2016", "$<부산:LC>에", "$<서울:LC>에"),
        ("klue", "서\tI-LC", "서\tB-LC"),
        ("bio-characters", "울1\tI-PS", "울1\tI-LC"),
        ("naver", "2\t간다\tPS_I", "2\t간다\t-"),
        ("nersota", "<부산:LC>", "<서울:LC>"),
        ("inline", "<<서울:LC>에:PS>", "<서울:LC>에"),
        ("cluener", '"서울":[[1,2]]', '"서울":[[0,1]]'),
    ],
)
def test_what_was_refused_can_be_mended_and_imported(
    database: Database, tmp_path: Path, name: str, damaged: str, mended: str
) -> None:
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS", "LC"]))
    file, content = FILES[name]
    path = tmp_path / file
    path.write_text(content.replace(mended, damaged))
    first = import_file(database, "p", path, "train")
    assert (first.added, first.refused_lines) == (1, 1)
    refused = first.to_mend[0]
    refused.write_text(refused.read_text().replace(damaged, mended))
    again = import_file(database, "p", refused, "train", how=HowToRead(BY_NAME[name]))
    assert (again.added, again.refused_lines) == (1, 0)
    with database.read() as session:
        ids = set(session.scalars(select(Document.external_id)))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / file).write_text(content)
    assert import_file(database, "p", fresh / file, "train").already_there == 2
    assert len(ids) == 2


@pytest.mark.parametrize("name", FILES)
def test_documents_come_before_the_file_is_read(tmp_path: Path, name: str) -> None:
    _, content = FILES[name]
    path = tmp_path / "long.txt"
    path.write_text((content.rstrip("\n") + "\n\n") * 20_000)
    read: list[int] = []
    with open_records(path, BY_NAME[name], advance=read.append) as opened:
        for _ in range(100):
            next(opened.records)
        assert sum(read) < opened.size / 2
