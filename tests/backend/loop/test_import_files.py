"""Importing files: every format twice, stopped and gone on with, adapted to the project."""

import gzip
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.db.audit_log import audit_entries
from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.errors import InvalidInputError
from backend.loop.import_files import HowToRead, import_file
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.format import ExportDocument, WritableFormat
from backend.workflow.formats.registry import BY_NAME, FORMATS
from backend.workflow.imports.ready_documents import CHUNK
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats import samples

LABELS = ["PS", "LC"]


@pytest.fixture
def project(any_database: Database) -> Database:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=LABELS))
    return any_database


def sample(folder: Path, name: str) -> Path:
    """A file of one document in a format."""
    path = folder / f"{name}{BY_NAME[name].EXTENSIONS[0]}"
    path.write_bytes(samples.sample(name))
    return path


def count(database: Database, table: type) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_a_file_of_any_format_twice_adds_nothing(project: Database, tmp_path: Path) -> None:
    how = HowToRead(adapt=Adaptation({"PER": "PS"}))
    for format in FORMATS:
        file = sample(tmp_path, format.NAME)
        first = import_file(project, "p", file, "train", how=HowToRead(format, adapt=how.adapt))
        again = import_file(project, "p", file, "train", how=how)
        assert (first.added, first.refused) == (1, []), format.NAME
        assert (again.added, again.with_gold, again.already_there, again.refused) == (0, 0, 1, [])
        assert again.read_as.startswith(f"{format.NAME}, "), "it was detected"
        assert first.with_gold == (format.NAME not in ("table", "text")), format.NAME
    assert count(project, Document) == len(FORMATS)
    assert count(project, Gold) == len(FORMATS) - 2


def test_an_archive_twice_and_the_files_in_it_add_nothing(
    project: Database, tmp_path: Path
) -> None:
    lines = "\n".join(f"{n}번째 글" for n in range(5)).encode("cp949")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "a.txt").write_bytes(lines)
    first = import_file(project, "p", tmp_path / "a.txt.gz", None)
    again = import_file(project, "p", tmp_path / "a.txt", None)
    assert (first.added, again.added, again.already_there) == (5, 0, 5)
    assert (first.read_as, again.read_as) == ("text, CP949, gzip", "text, CP949")


def test_what_was_stopped_goes_on_where_it_was(project: Database, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("".join(f"글 {n}\n" for n in range(2 * CHUNK + 10)), "utf-8")

    def stop(lines: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(project, "p", file, None, stop)
    assert count(project, Document) == CHUNK
    report = import_file(project, "p", file, None)
    assert (report.already_there, report.added) == (CHUNK, CHUNK + 10)
    import_file(project, "p", file, None)  # adds nothing
    with project.read() as session:
        noted = [(one.who, one.subject, one.after) for one in audit_entries(session)]
    assert noted == [
        ("command line", "a.txt", {"added": added, "with_gold": 0}) for added in (CHUNK + 10, CHUNK)
    ]


def test_what_the_file_did_not_look_for_is_kept(project: Database, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"text": "김 씨", "entities": [{"start": 0, "end": 1, "label": "PER"}]}', "utf-8"
    )
    how = HowToRead(adapt=Adaptation({"PER": "PS"}, labels=("PS",), id_prefix="x-"))
    import_file(project, "p", file, "train", how=how)
    with project.read() as session:
        document = session.scalars(select(Document)).one()
        assert document.not_annotated == ["LC"]
        assert session.get_one(Gold, document.id).entities[0]["label"] == "PS"


def test_tasks_that_annotators_disagree_on_wait_without_entities(
    project: Database, tmp_path: Path
) -> None:
    def annotation(end: int) -> dict[str, object]:
        value = {"start": 0, "end": end, "labels": ["PS"]}
        return {"result": [{"type": "labels", "value": value}]}

    task = {"id": 1, "data": {"text": "김철수"}, "annotations": [annotation(2), annotation(3)]}
    file = tmp_path / "a.json"
    file.write_text(json.dumps([task]), "utf-8")
    report = import_file(project, "p", file, "train")
    assert (report.added, report.with_gold, report.refused_lines) == (1, 0, 1)
    (mend,) = report.to_mend
    record = json.loads(mend.read_text("utf-8"))
    record["annotations"].pop(0)
    mend.write_text(json.dumps(record), "utf-8")
    mended = import_file(project, "p", mend, "train")
    assert (mended.added, mended.already_there, mended.with_gold) == (0, 1, 1)
    assert (mended.refused, mended.read_as) == ([], "label-studio, UTF-8")


def test_what_cannot_be_told_changes_nothing(project: Database, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"foo": 1}', "utf-8")
    with pytest.raises(InvalidInputError, match="in no format known"):
        import_file(project, "p", file, None)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.json"]


def test_labels_that_nobody_knows_are_told_before_anything_is_read(
    project: Database, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("글", "utf-8")
    for adapt in (Adaptation(labels=("PS", "XX")), Adaptation({"A": "XX", "B": None})):
        with pytest.raises(InvalidInputError, match="no label 'XX'; it has 'PS', 'LC'"):
            import_file(project, "p", file, None, how=HowToRead(adapt=adapt))
    assert count(project, Document) == 0


@pytest.mark.parametrize("name", ["jsonl", "label-studio", "doccano", "parquet"])
def test_what_an_export_says_was_not_annotated_is_known_again(
    project: Database, tmp_path: Path, name: str
) -> None:
    format = BY_NAME[name]
    assert isinstance(format, WritableFormat)
    meta = {"not_annotated": ["LC", "gone"], "k": 1}
    out = io.BytesIO()
    assert list(format.write([ExportDocument("a", "김 씨", [Entity(0, 1, "PS")], meta)], out)) == []
    (tmp_path / "a").write_bytes(out.getvalue())
    import_file(project, "p", tmp_path / "a", "train")
    with project.read() as session:
        document = session.scalars(select(Document)).one()
        assert (document.not_annotated, document.meta) == (["LC"], {"k": 1})
