"""Near groups: one split key, one role."""

from backend.db import groups
from backend.db.session import Database
from backend.db.tables import Arm, Document, Part
from tests.backend.workflow.loop_data import add_documents, add_project


def test_the_split_key_is_the_near_groups_where_there_is_one() -> None:
    assert groups.split_key("ab", None) == "ab"
    assert groups.split_key("ab", 7) == groups.split_key("cd", 7) != groups.split_key("cd", 8)


def test_the_most_secret_role_wins() -> None:
    assert groups.most_secret(["train", None, "dev"]) == Part.DEV
    assert groups.most_secret([Part.GATE, "test", "certify"]) == Part.TEST
    assert groups.most_secret([None]) is None


def test_near_copies_get_the_most_secret_role_of_their_group(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["가", "나", "가", "다", "라", "마"])
        first, second, copy, third, fourth, alone = documents
        for document in (first, second, copy):
            document.near_id = first.id
        for document in (third, fourth):
            document.near_id = third.id
        first.part, first.arm = Part.TRAIN, Arm.RANKED
        second.part, second.arm = Part.GATE, Arm.RANDOM
        alone.part = Part.TRAIN
        session.flush()
        assert groups.unite_parts(session, project.id, [first.id, third.id, alone.id]) == 1
        assert groups.unite_parts(session, project.id, [first.id, third.id]) == 0
        assert groups.near_groups(session, project.id) == {
            first.group_key: first.id,
            second.group_key: first.id,
            third.group_key: third.id,
            fourth.group_key: third.id,
        }
        assert groups.near_groups(session, project.id, [second.group_key, alone.group_key]) == {
            second.group_key: first.id
        }
    with any_database.read() as session:
        found = [session.get_one(Document, document.id) for document in documents]
    assert [document.part for document in found] == [Part.GATE] * 3 + [None, None, Part.TRAIN]
    assert [document.arm for document in found[:3]] == [Arm.RANDOM] * 3
