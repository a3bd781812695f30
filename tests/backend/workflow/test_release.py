"""Release: what goes out is verified; what does not fit its text stops it."""

import json
import tracemalloc
from pathlib import Path

import pytest

from backend.commands.documents import set_copies_aside
from backend.db.session import Database
from backend.db.tables import Account, Gold, GoldSource, Project
from backend.loop.import_files import import_file
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.release import ReleaseError, gold_lines

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
        return [json.loads(line) for line in gold_lines(session, 1)]


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
        file.write_bytes(b"".join(gold_lines(session, 1)))
    records = list(read_path(file))
    assert all(isinstance(record, DocumentRecord) and record.entities for record in records)


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
        size = sum(len(line) for line in gold_lines(session, 1))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 24_000_000
    assert peak < 12_000_000
