"""What changed between two releases, by document and label."""

from pathlib import Path

import pytest

from backend.db.session import Database
from backend.db.tables import Gold, Project
from backend.db.tables_of_labels import LabelMapping
from backend.settings import Settings
from backend.workflow.releases.diff import Difference, difference
from tests.backend.workflow.releases import gold as made


@pytest.fixture
def filled(any_database: Database, tmp_path: Path) -> Database:
    made.add_project(any_database)
    made.import_gold(any_database, tmp_path, made.lines())
    return any_database


def compared(database: Database, settings: Settings, before: Path) -> Difference:
    return difference(before, Path(made.release(database, settings).release.folder))


def test_documents_and_entities_that_changed_are_named(
    filled: Database, settings: Settings, tmp_path: Path
) -> None:
    before = Path(made.release(filled, settings).release.folder)
    with filled.write() as session:
        session.query(Project).one().gold_revision += 1
        gold = session.get_one(Gold, made.document(session, "d0001").id)
        person, place = gold.entities
        gold.entities = [{**person, "end": 4}, {**place, "label": "DT"}]
        gold = session.get_one(Gold, made.document(session, "d0002").id)
        gold.entities = [gold.entities[0], {"start": 12, "end": 14, "label": "DT"}]
        session.delete(session.get_one(Gold, made.document(session, "d0003").id))
        made.document(session, "d0004").meta = {"n": 2}
    new = {"id": "new", "text": "새로운 문장입니다", "entities": []}
    made.import_gold(filled, tmp_path, [new], "new.jsonl")
    found = compared(filled, settings, before)
    assert (found.added, found.removed) == (["new"], ["d0003"])
    changed = {one["id"]: one for one in found.changed}
    assert list(changed) == ["d0001", "d0002", "d0004"]
    first = changed["d0001"]["entities"]
    assert [(one["change"], one["label"], one["to"]) for one in first] == [
        ("moved", "PS", [0, 4]),
        ("relabelled", "LC", "DT"),
    ]
    assert [(one["change"], one["label"]) for one in changed["d0002"]["entities"]] == [
        ("removed", "LC"),
        ("added", "DT"),
    ]
    assert changed["d0004"] == {"id": "d0004", "meta": [{"n": 1}, {"n": 2}]}
    documents = len(made.lines())
    assert found.unchanged == documents - 4
    assert found.entities["PS"] == {
        "kept": documents - 2,
        "added": 0,
        "removed": 1,
        "moved": 1,
        "relabelled": 0,
    }
    assert found.entities["DT"]["added"] == 1
    assert not found.same_gold


def test_labels_and_mapping_that_changed_are_named(filled: Database, settings: Settings) -> None:
    before = Path(made.release(filled, settings).release.folder)
    with filled.write() as session:
        project = session.query(Project).one()
        project.labels = [*project.labels, "TI"]
        session.add(
            LabelMapping(
                project_id=project.id,
                number=1,
                mapping={"PS": "PERSON"},
                names={"PS": "PERSON"},
                made_by="curator@example.com",
            )
        )
    found = compared(filled, settings, before)
    assert found.labels == {"added": ["PERSON", "TI"], "removed": ["PS"]}
    assert found.mapping == {"PS": [None, "PERSON"]}
    assert found.entities["PS"]["relabelled"] == len(made.lines())


def test_a_release_does_not_differ_from_itself(filled: Database, settings: Settings) -> None:
    folder = Path(made.release(filled, settings).release.folder)
    found = difference(folder, folder)
    assert found.same_gold
    assert found.unchanged == len(made.lines())
    assert found.added == found.removed == found.changed == []
