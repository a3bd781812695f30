"""Copies of a project are sorted without a turn to write when there is nothing to write."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.session import Database
from backend.db.tables import Document, Gold, GoldSource
from backend.loop import copies
from backend.loop.copies import label_all_copies, sort_copies, sort_new_copies
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project


def project_with_copies(database: Database) -> tuple[int, list[int]]:
    with database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["롯데는", "한화는", "롯데는", "롯데는"])
        for document in documents:
            document.deduped = False
            document.canonical_id = None
        add_gold(session, documents[0])
        return project.id, [document.id for document in documents]


def test_copies_are_set_aside_and_labelled_in_one_go(any_database: Database) -> None:
    project, (first, other, *copies) = project_with_copies(any_database)
    report = sort_copies(any_database, project)
    assert (report.looked_at, report.copies) == (4, 2)
    with any_database.read() as session:
        assert [session.get_one(Document, one).canonical_id for one in copies] == [first, first]
        assert [session.get_one(Gold, one).source for one in copies] == [GoldSource.COPIED] * 2
        assert session.get(Gold, other) is None
    assert label_all_copies(any_database, project) == 0


def test_no_turn_to_write_is_taken_when_nothing_is_found(database: Database) -> None:
    project, _ = project_with_copies(database)
    with database.write(), pytest.raises(RuntimeError, match="inside a transaction"):
        sort_copies(database, project)  # there is something to write
    sort_copies(database, project)
    with database.write():
        assert sort_copies(database, project).looked_at == 0
        assert label_all_copies(database, project) == 0


def test_every_copy_is_looked_at_only_when_gold_or_copies_have_changed(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    whole = copies.copies_behind

    def counted(*arguments: object) -> bool:
        looks.append(1)
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(copies, "copies_behind", counted)
    project, _ = project_with_copies(any_database)
    sort_new_copies(any_database, project)
    assert looks
    for change in (lambda session: None, add_a_copy, change_gold):
        looks.clear()
        with any_database.write() as session:
            change(session)
        sort_new_copies(any_database, project)
        assert bool(looks) == (change in (add_a_copy, change_gold))
        looks.clear()
        sort_new_copies(any_database, project)
        assert not looks
    with any_database.read() as session:
        labels = [gold.entities[0]["label"] for gold in session.scalars(select(Gold))]
    assert labels == ["LC"] * 4


def add_a_copy(session: Session) -> None:
    one = session.scalars(select(Document).order_by(Document.id)).first()
    assert one is not None
    session.add(
        Document(
            project_id=one.project_id, external_id="new", text=one.text, group_key=one.group_key
        )
    )


def change_gold(session: Session) -> None:
    one = session.scalars(select(Document).order_by(Document.id)).first()
    assert one is not None
    add_gold(session, one, label="LC")
