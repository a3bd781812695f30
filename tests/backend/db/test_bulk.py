"""Many rows in one go: found each by its index, and given values of their own."""

from typing import Any

from sqlalchemy import bindparam, event, select, text

from backend.db.bulk import looked_up, new_ids, set_columns
from backend.db.session import Database
from backend.db.tables import Document, Project

BY_KEY = select(Document.id, Document.group_key).where(Document.project_id == bindparam("project"))


def filled(database: Database) -> int:
    """A project of 3,000 documents; its number."""
    with database.write() as session:
        project = Project(key="p", name="P", label_config="<View/>", labels=[])
        session.add(project)
        session.flush()
        session.add_all(
            Document(project_id=project.id, external_id=f"{n}", text=f"글 {n}", group_key=f"k{n}")
            for n in range(3000)
        )
        return project.id


def test_each_value_is_looked_up_by_its_index(any_database: Database) -> None:
    project = filled(any_database)
    any_database.survey()
    asked: list[tuple[str, Any]] = []
    event.listen(
        any_database.engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, given, *more: asked.append((statement, given)),
    )
    with any_database.read() as session:
        keys = {"k7", "k2999", "nobody's"}
        rows = looked_up(session, BY_KEY, Document.group_key, keys, project=project)
        assert {row.group_key for row in rows} == {"k7", "k2999"}
        statement, given = asked[-1]
        explain = "EXPLAIN QUERY PLAN " if any_database.turns else "EXPLAIN "
        plan = session.connection().exec_driver_sql(explain + statement, given).all()
    assert "ix_documents_group" in "\n".join(map(str, plan))


def test_columns_are_set_row_by_row(any_database: Database) -> None:
    filled(any_database)
    with any_database.write() as session:
        first, second, third = session.scalars(select(Document.id).order_by(Document.id).limit(3))
        rows = [(second, first, True), (third, None, True)]
        set_columns(session, Document, ("canonical_id", "deduped"), rows)
        set_columns(session, Document, ("deduped",), [])
        taken = new_ids(session, Document, 2)
    with any_database.read() as session:
        its = select(Document.canonical_id, Document.deduped).order_by(Document.id).limit(3)
        assert list(map(tuple, session.execute(its))) == [
            (None, False),
            (first, True),
            (None, True),
        ]
        newest = session.scalar(text("SELECT max(id) FROM documents"))
    assert sorted(taken) == [newest + 1, newest + 2]
