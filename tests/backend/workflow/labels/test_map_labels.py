import pytest

from backend.db.label_mappings import all_mappings
from backend.db.session import Database
from backend.db.tables import Project
from backend.errors import ConflictError, NotFoundError
from backend.workflow.labels import map_labels
from backend.workflow.labels.label_rules import map_of
from tests.backend.workflow.loop_data import add_project


def test_every_change_is_a_version_and_so_is_taking_it_back(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        map_labels.rename(session, project, "PS", "PERSON", by="curator@example.com")
        map_labels.merge(session, project, "LC", "PERSON", by="b", reason="too rare")
        map_labels.restore(session, project, 1, by="c")
    with any_database.write() as session:
        project = session.get_one(Project, project.id)
        versions = all_mappings(session, project.id)
        assert [one.number for one in versions] == [1, 2, 3]
        assert versions[0].mapping == versions[2].mapping == {"PS": "PERSON"}
        assert versions[1].mapping == {"PS": "PERSON", "LC": "PERSON"}
        assert [one.reason for one in versions] == ["", "too rare", "mapping 1 again"]
        assert map_of(session, project.id).names == {"PS": "PERSON"}
        map_labels.restore(session, project, 0, by="c")
        assert map_of(session, project.id).targets == {}
        with pytest.raises(ConflictError, match="mapping 0 is what is in force"):
            map_labels.restore(session, project, 0, by="c")
        with pytest.raises(NotFoundError, match="no label mapping 9"):
            map_labels.restore(session, project, 9, by="c")
    assert project.labels == ["PS", "LC"]


def test_a_label_must_be_there_in_gold_or_in_the_mapping(database: Database):
    with database.write() as session:
        project = add_project(session)
        with pytest.raises(NotFoundError, match="no label 'PERSON'"):
            map_labels.merge(session, project, "PERSON", "PS", by="x")
        map_labels.rename(session, project, "PS", "PERSON", by="x")
        map_labels.rename(session, project, "PERSON", "인물", by="x")
        assert map_of(session, project.id).of("PS") == "인물"
