"""`goldloop import` and `goldloop formats` as people type them."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from backend.commands import documents
from backend.commands.documents import import_files
from backend.commands.formats import formats
from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.errors import InvalidInputError
from backend.settings import Settings
from backend.workflow.formats.registry import FORMATS


@pytest.fixture(autouse=True)
def _project(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS", "LC"]))


def typed(*words: str) -> Result:
    return CliRunner().invoke(import_files, ["p", *words])


def texts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Document.text).order_by(Document.id)))


def test_every_format_is_listed_with_what_it_can() -> None:
    listed = CliRunner().invoke(formats, []).output
    for format in FORMATS:
        assert format.NAME in listed
    assert "[[start, end, label]]" in " ".join(listed.split())
    assert "CP949" in listed


def test_several_files_of_several_kinds_and_one_that_is_none(
    database: Database, tmp_path: Path
) -> None:
    Path("a.txt").write_bytes("서울에 간다 그리고\n".encode("cp949"))
    with zipfile.ZipFile("b.zip", "w") as archive:
        archive.writestr("1.txt", "문서")
        archive.writestr("1.ann", "T1\tPS 0 2\t문서\n")
    Path("c.json").write_text('{"foo": 1}', "utf-8")
    told = typed("a.txt", "b.zip", "c.json", "--gold", "train")
    assert told.exit_code == 2
    assert "a.txt: text, CP949: 1 added" in told.output
    assert (
        "b.zip: brat, UTF-8, zip: 1 added, 0 already there, 1 with gold, 0 refused" in told.output
    )
    assert "c.json: nothing imported: c.json is in no format known here" in told.output
    assert texts(database) == ["서울에 간다 그리고", "문서"]


def test_what_is_said_of_a_file_is_taken(database: Database) -> None:
    Path("a.csv").write_text("번호;내용\n1;김 씨\n", "utf-16")
    table = ["a.csv", "--text-column", "내용", "--id-column", "번호", "--id-prefix", "a-"]
    assert typed(*table, "--format", "table", "--encoding", "utf-16").exit_code == 0
    rows = [{"tokens": ["이", "씨", "3일"], "ner_tags": [1, 0, 2]}]
    Path("b.json").write_text(json.dumps(rows), "utf-8")
    told = typed(
        "b.json", "--tag-names", "O,B-PER,B-DAT", "--map", "PER=PS", "--map", "DAT=",
        "--map", "LC=", "--gold", "train",
    )  # fmt: skip
    assert told.exit_code == 0
    with database.read() as session:
        table_row, tagged = session.scalars(select(Document).order_by(Document.id))
        assert (table_row.external_id, table_row.text) == ("a-1", "김 씨")
        assert (tagged.text, tagged.not_annotated) == ("이 씨 3일", ["LC"])
        assert session.get_one(Gold, tagged.id).entities == [{"start": 0, "end": 1, "label": "PS"}]


def test_what_mends_a_refusal_is_said(tmp_path: Path) -> None:
    Path("a.jsonl").write_text(
        '{"id": "1", "text": "가", "entities": [{"start": 0, "end": 1, "label": "ZZ"}]}\n'
        '{"id": "2", "text": "나"}\n{"id": "2", "text": "다"}\n',
        "utf-8",
    )
    told = typed("a.jsonl", "--gold", "train")
    assert told.exit_code == 2
    assert "--map OLD=NEW" in told.output
    assert "--id-prefix" in told.output
    assert "to mend and import: a.jsonl.refused.jsonl" in told.output
    mended = typed(
        "a.jsonl.refused.jsonl", "--map", "ZZ=PS", "--id-prefix", "b-", "--gold", "train"
    )
    assert "2 added, 0 already there, 1 with gold, 0 refused" in mended.output
    assert mended.exit_code == 0
    Path("b.bio").write_text("서\tB-LC\n울\tI-LC\n에\tO\n\n부\tB-LC\n산\tI-ZZ\n", "utf-8")
    told = typed("b.bio", "--gold", "train", "--format", "bio-characters").output
    assert "to mend and import with --format bio-characters: b.bio.refused.bio" in told


def test_words_that_mean_nothing_are_refused_at_once() -> None:
    Path("a.txt").write_text("글", "utf-8")
    assert isinstance(typed("a.txt", "--format", "klingon").exception, InvalidInputError)
    assert isinstance(typed("a.txt", "--map", "x").exception, InvalidInputError)
    assert "there is no encoding 'klingon'" in typed("a.txt", "--encoding", "klingon").output


def test_an_import_that_is_stopped_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    Path("a.txt").write_text("글", "utf-8")
    monkeypatch.setattr(documents, "import_file", stopped)
    told = typed("a.txt")
    assert told.exit_code == 130
    assert "stopped: the same command goes on from here" in told.output
