"""What an import knows of duplicate groups is found by the index of groups."""

import pytest
from sqlalchemy import event

from backend.db.tables import Document
from backend.workflow.imports.groups import groups_of
from tests.backend.workflow.loop_data import add_documents, add_project


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


def test_groups_are_found_by_their_index_and_not_among_all_that_are_no_copies(session):
    project = add_project(session)
    first, copy = add_documents(session, project, ["하나", "둘"])
    copy.group_key, copy.canonical_id = first.group_key, first.id
    session.flush()
    asked = []
    event.listen(
        session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2:4])
    )
    found = groups_of(session, project.id, {first.group_key})
    assert [member.id for member in found[first.group_key]] == [first.id]
    ((statement, given),) = asked
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    (step,) = [row[3] for row in plan if Document.__tablename__ in row[3]]
    assert "ix_documents_group (project_id=? AND group_key=? AND canonical_id=?)" in step
