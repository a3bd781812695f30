"""Lists that are not in the order of their keys go on after a key, on both databases."""

from backend.db.accounts import add_account, listed_accounts
from backend.db.members import members, no_members, note_member, visible_projects
from backend.db.session import Database
from backend.db.tables import Role
from tests.backend.workflow.loop_data import add_project

WHO = ("c", "a", "d", "b")


def test_people_go_on_by_address(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        made = {one: add_account(session, f"{one}@x", role=Role.CURATOR).id for one in WHO}
        for one in ("c", "a", "b"):
            note_member(session, project.id, made[one])
        assert [one.account.email for one in listed_accounts(session, limit=2)] == ["a@x", "b@x"]
        after = listed_accounts(session, after=made["b"], limit=9)
        assert [(one.account.email, one.annotations) for one in after] == [("c@x", 0), ("d@x", 0)]
        assert [one.account.email for one in members(session, project.id, limit=1)] == ["a@x"]
        after = members(session, project.id, after=made["a"])
        assert [one.account.email for one in after] == ["b@x", "c@x"]
        assert [one.email for one in no_members(session, project.id, limit=9)] == ["d@x"]
        add_account(session, "e@x", role=Role.CURATOR)
        assert [one.email for one in no_members(session, project.id, limit=1)] == ["d@x"]


def test_projects_go_on_by_name(any_database: Database) -> None:
    with any_database.write() as session:
        for key, name in (("k1", "나"), ("k2", "가"), ("k3", "나"), ("k4", "다")):
            add_project(session, key).name = name
        account = add_account(session, "a@x", role=Role.ANNOTATOR)
        session.flush()
        first, second, *_ = found = visible_projects(session, Role.CURATOR, account.id)
        assert [one.key for one in found] == ["k2", "k1", "k3", "k4"]
        after = visible_projects(session, Role.CURATOR, 0, after=second.id, limit=1)
        assert [one.key for one in after] == ["k3"]
        note_member(session, first.id, account.id)
        own = visible_projects(session, Role.ANNOTATOR, account.id)
        assert [one.key for one in own] == ["k2"]
        assert not visible_projects(session, Role.ANNOTATOR, account.id, after=first.id)
