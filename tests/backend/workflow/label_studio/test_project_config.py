import pytest

from backend.db.session import Database
from backend.db.tables import GoldSource, Project
from backend.db.tables_of_labels import LabelMapping
from backend.errors import InvalidInputError
from backend.workflow.label_studio.project_config import add_labels, config_with, follow_config
from backend.workflow.labels import map_labels
from backend.workflow.labels.label_rules import rules_of
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.workflow.loop_data import CONFIG, add_documents, add_gold, add_project

THREE = CONFIG.replace('<Label value="LC"/>', '<Label value="LC"/><Label value="OG"/>')


def test_a_label_that_label_studio_adds_is_not_annotated_in_earlier_gold(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        add_gold(session, *add_documents(session, project, ["글"]))
        assert "new labels: OG" in follow_config(session, project, {"label_config": THREE})
        assert follow_config(session, project, {"label_config": THREE}) == ""
    with any_database.read() as session:
        project = session.get_one(Project, project.id)
        assert (project.labels, project.label_since) == (["PS", "LC", "OG"], {"OG": 1})


def test_before_there_is_gold_a_label_is_simply_there(database: Database):
    with database.write() as session:
        project = add_project(session)
        assert add_labels(session, project, ["OG", "OG", "PS"]) == ["OG"]
        assert project.label_since == {}


def test_the_name_that_a_label_was_given_is_no_new_label(database: Database):
    with database.write() as session:
        project = add_project(session)
        add_gold(session, *add_documents(session, project, ["글"]))
        session.add(
            LabelMapping(
                project_id=project.id,
                number=1,
                mapping={"PS": "PERSON"},
                names={"PS": "PERSON"},
                made_by="a test",
            )
        )
        session.flush()
        assert add_labels(session, project, ["PERSON", "OG"]) == ["PERSON", "OG"]
        assert project.label_since == {"OG": 1}


def test_a_label_that_label_studio_drops_is_not_annotated_from_then_on(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        follow_config(session, project, {"label_config": THREE})
        add_gold(session, *add_documents(session, project, ["글"]))
        follow_config(session, project, {"label_config": CONFIG})
        assert (project.labels, project.label_until) == (["PS", "LC", "OG"], {"OG": 1})
        rules = rules_of(session, project)
        assert rules.not_annotated(None, 1, GoldSource.PERSON) == frozenset()
        assert rules.not_annotated(None, 2, GoldSource.PERSON) == {"OG"}
        assert rules.not_annotated(None, 2, GoldSource.IMPORTED) == frozenset()
        map_labels.merge(session, project, "OG", "LC", by="a test")  # people say LC in its place
        assert rules_of(session, project).not_annotated(None, 2, GoldSource.PERSON) == frozenset()
        project.gold_revision = 5
        follow_config(session, project, {"label_config": THREE})
        assert (project.label_until, project.label_since) == ({}, {"OG": 5})


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        CONFIG.replace("<Labels ", "<!-- <Labels> --><Labels "),
        CONFIG.replace('name="label"', "name='label'"),
        '<View><Labels name="other" toName="image"><Label value="x"/></Labels>'
        '<Image name="image" value="$i"/>' + CONFIG.removeprefix("<View>"),
    ],
)
def test_a_label_is_written_into_the_control_that_labels_text(config: str):
    changed = config_with(config, ["OG", "<&>"])
    assert list(parse_label_config(changed).labels) == ["PS", "LC", "OG", "<&>"]
    assert len(changed) > len(config)


def test_a_configuration_that_we_cannot_write_into_is_left_to_its_author():
    odd = CONFIG.replace("</Labels>", "<!-- </Labels> --></Labels>")
    with pytest.raises(InvalidInputError, match="do it in Label Studio"):
        config_with(odd, ["OG"])
