"""The minimum support and the mapping change together, as long as both are as they were seen."""

import pytest

from backend.db.audit_log import audit_entries
from backend.db.session import Database
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.workflow.labels.change_labels import (
    LabelState,
    LabelWish,
    change_labels,
    label_state,
    restore_labels,
)
from backend.workflow.labels.label_rules import map_of
from tests.backend.workflow.loop_data import add_project

BY = "curator@example.org"
NOTHING = LabelState(0, None)


@pytest.fixture
def session(any_database: Database):
    with any_database.write() as session:
        yield session


def test_both_are_changed_and_put_back(session) -> None:
    project = add_project(session)
    wish = LabelWish(7, merges=[("PS", "LC")], renames=[("LC", "곳")])
    after = change_labels(session, project, wish, seen=NOTHING, by=BY, reason="why")
    assert after == label_state(session, project) == LabelState(2, 7)
    assert dict(map_of(session, project.id).targets) == {"PS": "곳", "LC": "곳"}
    assert restore_labels(session, project, NOTHING, seen=after, by=BY) == LabelState(3, None)
    assert dict(map_of(session, project.id).targets) == {}
    assert {entry.who for entry in audit_entries(session, project_id=project.id)} == {BY}


def test_what_somebody_else_has_changed_meanwhile_stays(session) -> None:
    project = add_project(session)
    after = change_labels(session, project, LabelWish(7), seen=NOTHING, by="other@example.org")
    with pytest.raises(ConflictError, match="meanwhile"):
        change_labels(session, project, LabelWish(9), seen=NOTHING, by=BY)
    with pytest.raises(ConflictError, match="meanwhile"):
        restore_labels(session, project, LabelState(0, 9), seen=NOTHING, by=BY)
    assert label_state(session, project) == after


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (LabelWish(), InvalidInputError),
        (LabelWish(merges=[("PS", "PS")]), InvalidInputError),
        (LabelWish(renames=[("XX", "PS")]), NotFoundError),
    ],
)
def test_what_cannot_be_is_refused(session, wish: LabelWish, error: type[Exception]) -> None:
    project = add_project(session)
    with pytest.raises(error):
        change_labels(session, project, wish, seen=NOTHING, by=BY)
