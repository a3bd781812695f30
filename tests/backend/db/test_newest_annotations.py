"""A project's newest annotations are found by their number, whatever other projects have since."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from backend.db.annotator_figures import newest_annotations, newest_state
from backend.db.bulk import insert_rows
from backend.db.efforts import newest_efforts
from backend.db.lead_times import newest_lead_times
from backend.db.session import Database
from backend.db.tables import AnnotationState, AnnotationStatus
from tests.backend.workflow.loop_data import add_documents, add_project

EACH = 2000  # annotations of each project
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    "project_id",
    "document_id",
    "annotation_id",
    "updated_at",
    "status",
    "lead_time",
    "entities",
    "regions",
    "cleaned",
    "correction",
    "seen_at",
)


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (newest_state, EACH),
        (lambda session, project: newest_lead_times(session, project, 2), [EACH, EACH - 1]),
        (lambda session, project: newest_efforts(session, project, 9), []),  # of nobody known
        (lambda session, project: newest_annotations(session, project, 9), []),
    ],
)
def test_they_are_read_by_their_index(
    database: Database, ask: Callable[[Session, int], Any], expected: Any
) -> None:
    submitted = AnnotationStatus.SUBMITTED
    with database.write() as session:
        rows = []
        for key in ("first", "second"):
            project = add_project(session, key)
            (document,) = add_documents(session, project, ["글"])
            for number in range(1, EACH + 1):
                time = START + timedelta(seconds=number)
                state = (project.id, document.id, number, time, submitted, number)
                rows.append((*state, [], [], {}, {}, START))
        insert_rows(session, AnnotationState, COLUMNS, rows)
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with database.read() as session:
        assert ask(session, 1) == expected
        statement, given = next(one for one in asked if "annotation_states" in one[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    assert "ix_annotation_states_project (project_id=?)" in "\n".join(row[3] for row in plan)
