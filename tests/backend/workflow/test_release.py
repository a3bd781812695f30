"""Release: what goes out is verified; what does not fit its text stops it."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from backend.commands.documents import set_copies_aside
from backend.commands.export import export_gold
from backend.db.session import Database
from backend.db.tables import Account, Gold, GoldSource, Project
from backend.loop.import_files import HowToRead, import_file
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.formats.registry import format_by_name
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.labels.label_rules import make_rules
from backend.workflow.release import ReleaseError, gold_page, gold_records, line_of

TEXTS = ["😀 김철수는", "👨‍👩‍👧 이영희가", "각 박지훈이"]


@pytest.fixture
def filled(any_database: Database, tmp_path: Path) -> Database:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS"]))
    file = tmp_path / "in.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for text in [*TEXTS, TEXTS[0]]:
            start = text.index(" ") + 1
            entities = [{"start": start, "end": start + 3, "label": "PS"}]
            out.write(json.dumps({"text": text, "entities": entities}) + "\n")
        out.write(json.dumps({"text": "금 없음"}) + "\n")
    import_file(any_database, "p", file, "random")
    set_copies_aside(any_database, "p")
    return any_database


def released(database: Database) -> list[dict[str, object]]:
    with database.read() as session:
        records = gold_records(session, session.get_one(Project, 1))
        return [json.loads(line) for line in map(line_of, records)]


def test_every_gold_document_is_one_line_with_verified_slices(filled: Database) -> None:
    lines = released(filled)
    assert [line["text"] for line in lines] == [*TEXTS, TEXTS[0]]
    assert [line["entities"][0]["text"] for line in lines] == [
        "김철수",
        "이영희",
        "박지훈",
        "김철수",
    ]
    assert lines[3]["copy_of"] == lines[0]["id"]
    assert {line["source"] for line in lines} == {"imported"}
    assert all(line["part"] and line["arm"] == "random" for line in lines)


def test_an_annotator_is_named(filled: Database) -> None:
    with filled.write() as session:
        person = Account(email="annotator-1@example.com", session_token="t")
        session.add(person)
        session.flush()
        gold = session.get_one(Gold, 1)
        gold.source, gold.account_id = GoldSource.PERSON, person.id
    assert [line["annotator"] for line in released(filled)][:2] == ["annotator-1@example.com", None]


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ({"start": 2, "end": 99, "label": "PS"}, "out of range"),
        ({"start": 5, "end": 2, "label": "PS"}, "out of range"),
        ({"start": 2, "end": 5, "label": "PS", "text": "이영희"}, "이영희"),
        ({"start": 2, "end": 5}, "label"),
    ],
)
def test_gold_that_does_not_fit_stops_the_release(
    filled: Database, entity: dict[str, object], reason: str
) -> None:
    with filled.write() as session:
        session.get_one(Gold, 1).entities = [entity]
    with pytest.raises(ReleaseError, match=reason) as raised:
        released(filled)
    assert raised.value.document in str(raised.value)


def test_what_was_released_imports_again(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    with filled.read() as session:
        lines = map(line_of, gold_records(session, session.get_one(Project, 1)))
        file.write_bytes(b"".join(lines))
    for record in read_path(file):
        assert isinstance(record, DocumentRecord)
        assert record.entities
        assert record.meta == {}


def test_what_was_not_looked_for_is_told(any_database: Database, tmp_path: Path) -> None:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS", "LC"]))
    lines = [
        {"id": "a", "text": "김 씨", "entities": [], "not_annotated": ["LC"]},
        {"id": "b", "text": "김씨"},
        {"id": "c", "text": "서울", "entities": []},
    ]
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    import_file(any_database, "p", file, "train")
    set_copies_aside(any_database, "p")
    told = {str(line["id"]): line.get("not_annotated") for line in released(any_database)}
    assert told == {"a": ["LC"], "b": ["LC"], "c": None}
    with any_database.write() as session:
        project = session.scalars(select(Project)).one()
        project.labels, project.label_since = ["PS", "LC", "DT"], {"DT": project.gold_revision}
        gold = session.get_one(Gold, 3)
        gold.revision, gold.source = project.gold_revision + 1, GoldSource.PERSON
    told = {str(line["id"]): line.get("not_annotated") for line in released(any_database)}
    assert told == {"a": ["DT", "LC"], "b": ["DT", "LC"], "c": None}


@pytest.mark.parametrize("name", ["jsonl", "doccano", "label-studio", "parquet", "bio-characters"])
def test_what_is_exported_says_what_was_not_looked_for(
    database: Database, tmp_path: Path, name: str
) -> None:
    config = '<View><Labels name="label" toName="text"><Label value="PS"/><Label value="LC"/>'
    config += '</Labels><Text name="text" value="$text"/></View>'
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config=config, labels=["PS", "LC"]))
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({"id": "a", "text": "김 씨", "entities": []}), "utf-8")
    how = HowToRead(adapt=Adaptation(labels=("PS",)))
    import_file(database, "p", file, "train", how=how)
    exported = export_gold(database, "p", tmp_path / "out", name)
    (found,) = read_path(tmp_path / "out", format_by_name(name))
    assert isinstance(found, DocumentRecord)
    held = name != "bio-characters"
    assert (found.not_annotated, found.external_id) == ((("LC",), "a") if held else ((), None))
    reasons = [
        "a column file has no place for an id",
        "a column file has no place for what was not annotated; importing it, give --labels",
    ]
    assert exported.beside == ({} if held else dict.fromkeys(reasons, 1))


def test_a_page_of_gold_sorts_nothing(database: Database) -> None:
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS"]))
    asked: list[Any] = []
    with database.read() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *its: asked.append(its[2:4]))
        assert gold_page(session, 1, make_rules(["PS"], LabelMap(), {}, None), after=0) == []
        statement, given = asked[0]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    assert not [step for *_, step in plan if "TEMP B-TREE" in step]


def test_memory_does_not_grow_with_the_gold(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS"]))
    file = tmp_path / "big.jsonl"
    text = "가" * 2000
    with file.open("w", encoding="utf-8") as out:
        for number in range(4000):
            entities = [{"start": 0, "end": 1, "label": "PS"}]
            out.write(json.dumps({"text": f"{text}{number}", "entities": entities}) + "\n")
    import_file(database, "p", file, "train")
    with database.read() as session:
        tracemalloc.start()
        records = gold_records(session, session.get_one(Project, 1))
        size = sum(len(line) for line in map(line_of, records))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 24_000_000
    assert peak < 12_000_000
