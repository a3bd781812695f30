"""The audit log: kept with the change it tells of, newest first, paged by key."""

import pytest

from backend.db.audit_log import LONGEST_SUBJECT, audit_entries, record
from backend.db.session import Database
from backend.db.tables import Project


def project_in(database: Database) -> int:
    with database.write() as session:
        made = Project(key="general", name="general", label_config="", labels=["PS"])
        session.add(made)
        session.flush()
        return made.id


def test_an_entry_holds_who_what_before_and_after(any_database: Database) -> None:
    project_id = project_in(any_database)
    with any_database.write() as session:
        record(
            session,
            "curator@example.com",
            "settings.change",
            project_id=project_id,
            subject="gate_margin",
            before=0.02,
            after={"값": [1, None]},
        )
    with any_database.read() as session:
        (entry,) = audit_entries(session)
    assert (entry.who, entry.action) == ("curator@example.com", "settings.change")
    assert (entry.project_id, entry.subject) == (project_id, "gate_margin")
    assert (entry.before, entry.after) == (0.02, {"값": [1, None]})
    assert entry.created_at.tzinfo is not None


def test_an_entry_goes_with_the_change_that_was_rolled_back(any_database: Database) -> None:
    def change_and_fail() -> None:
        with any_database.write() as session:
            record(session, "curator@example.com", "run.cancel", subject=12)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with any_database.read() as session:
        assert audit_entries(session) == []


def test_entries_are_paged_by_key_and_filtered(any_database: Database) -> None:
    project_id = project_in(any_database)
    with any_database.write() as session:
        for number in range(5):
            record(session, "a@example.com", "run.cancel", project_id=project_id, subject=number)
        record(session, "a_b@example.com", "label.merge", subject="가" * 1000)
    with any_database.read() as session:
        first = audit_entries(session, project_id=project_id, limit=3)
        rest = audit_entries(session, project_id=project_id, before=first[-1].id, limit=3)
        assert [entry.subject for entry in (*first, *rest)] == ["4", "3", "2", "1", "0"]
        (merged,) = audit_entries(session, who="a_")
        assert len(merged.subject) == LONGEST_SUBJECT
        assert len(audit_entries(session, action="run.")) == 5
