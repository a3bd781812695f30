"""What an import knows to be there already, without asking for it."""

import random
from collections.abc import Collection, Sequence

import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.loop.copies import sort_copies
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.present import Present
from backend.workflow.imports.ready_documents import chunks
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from tests.backend.workflow.loop_data import LABELS, add_project


class Always(Present):
    """Asks the database for everything."""

    def among(self, values: Collection[str]) -> set[str]:
        return set(values)


def added(database: Database, key: str = "p") -> int:
    with database.write() as session:
        return add_project(session, key).id


def bring(
    database: Database, project_id: int, texts: Sequence[str], present: Present | None = None
) -> None:
    """One chunk; a text's gold is its first character, or two of an odd number of characters."""
    records = [
        DocumentRecord("f", n, text, entities=[Entity(0, 1 + len(text) % 2, "PS")])
        for n, text in enumerate(texts)
    ]
    for chunk in chunks(records, LabelSet(tuple(LABELS))):
        with database.write() as session:
            import_lines(session, project_id, chunk.ready, "train", present=present)


def there(database: Database, project_id: int) -> list[tuple[object, ...]]:
    """All that an import decides of a document, in the order of coming."""
    with database.read() as session:
        rows = session.execute(
            select(Document, Gold.entities)
            .outerjoin(Gold, Gold.document_id == Document.id)
            .where(Document.project_id == project_id)
            .order_by(Document.id)
        ).all()
        ids = {row.Document.id: n for n, row in enumerate(rows)}
        return [
            (
                one.external_id, one.text, one.group_key, ids.get(one.canonical_id or 0),
                one.deduped, one.arm, one.part, entities,
            )
            for one, entities in rows
        ]  # fmt: skip


def spelled(rng: random.Random) -> list[str]:
    """Texts of which many are copies, some by their form alone."""
    return [
        rng.choice(("{}번 글", "{}  번글", "{}번\u200b 글 ")).format(rng.randrange(40))
        for _ in range(rng.randrange(1, 20))
    ]


@pytest.mark.parametrize("seed", range(5))
def test_imports_that_take_turns_decide_as_if_they_asked_for_everything(
    any_database: Database, seed: int
) -> None:
    rng = random.Random(seed)
    told = [(rng.randrange(2), spelled(rng)) for _ in range(25)]
    knowing = (Present(), Present())
    project_id = added(any_database)
    for which, texts in told:
        bring(any_database, project_id, texts, knowing[which])
    other_id = added(any_database, "q")
    for _, texts in told:
        bring(any_database, other_id, texts, Always())
    assert there(any_database, project_id) == there(any_database, other_id)


def test_what_was_there_is_read_once_as_much_has_come_in(any_database: Database) -> None:
    project_id = added(any_database)
    bring(any_database, project_id, ["가", "나", "다"])
    present = Present()
    bring(any_database, project_id, ["라", "마"], present)
    assert present.among(["새 글"]) == {"새 글"}, "two of five: anything may be there"
    bring(any_database, project_id, ["바", "사", "아"], present)
    assert present.among(["새 글"]) == {"새 글"}
    bring(any_database, project_id, ["자", "차"], present)
    bring(any_database, project_id, ["카"], present)
    keys = {group_key(text) for text in "가라바자카"}
    assert present.among([*keys, group_key("새 글")]) == keys


def test_keys_that_were_made_anew_meanwhile_are_asked_for(any_database: Database) -> None:
    project_id, present = added(any_database), Present()
    bring(any_database, project_id, ["LG는", "다른 글"], present)
    with any_database.write() as session:
        session.get_one(Project, project_id).settings = {"casefold": True}
    bring(any_database, project_id, ["Lg는"], present)  # between the setting and the keys
    sort_copies(any_database, project_id)
    bring(any_database, project_id, ["lg는"], present)
    with any_database.read() as session:
        canonical = [
            (one.text, one.canonical_id is None)
            for one in session.scalars(select(Document).order_by(Document.id))
        ]
    assert canonical == [("LG는", True), ("다른 글", True), ("Lg는", False), ("lg는", False)]
