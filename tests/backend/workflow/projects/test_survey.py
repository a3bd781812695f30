"""Surveys: what one look finds, in which order it is kept, and when there is another."""

from datetime import timedelta

from backend.db.session import Database
from backend.db.surveys import findings, last_survey, open_findings, settle_findings
from backend.db.tables import GoldSource, Project, now
from backend.db.tables_of_surveys import Found
from backend.loop.survey import survey_due, take_survey
from backend.workflow.projects import survey as stage
from backend.workflow.projects.survey import growth_of
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project

TEXT = "롯데는 이겼다"


def a_project(database: Database) -> int:
    """Two copies labelled differently, two that agree, and one document alone."""
    with database.write() as session:
        project = add_project(session)
        texts = [TEXT, TEXT, "두산은 졌다", "두산은 졌다", "혼자"]
        labels = ["PS", "LC", "PS", "PS", "PS"]
        for one, label in zip(add_documents(session, project, texts), labels, strict=True):
            add_gold(session, one, label=label, source=GoldSource.IMPORTED)
        return project.id


def test_a_survey_finds_conflicts_groups_forms_and_growth(any_database: Database) -> None:
    project_id = a_project(any_database)
    assert survey_due(any_database, project_id)
    assert take_survey(any_database, project_id)
    with any_database.read() as session:
        survey = last_survey(session, project_id)
        assert survey is not None
        assert open_findings(session, project_id) == {
            Found.EXACT_CONFLICT: 1,
            Found.NEAR_CONFLICT: 0,
            Found.EXACT_GROUP: 2,
            Found.NEAR_GROUP: 0,
            Found.SURFACE_FORM: 1,
        }
        (conflict,) = findings(session, project_id, Found.EXACT_CONFLICT, limit=9)
        (form,) = findings(session, project_id, Found.SURFACE_FORM, limit=9, label="LC")
        assert findings(session, project_id, Found.SURFACE_FORM, limit=9, label="L") == []
        groups = findings(session, project_id, Found.EXACT_GROUP, limit=9)
    assert conflict.body["documents"] == 2
    assert conflict.body["differences"][0][0] == "relabelled"
    assert [one["label"] for one in form.body["labels"]] == ["LC", "PS"]
    assert [one.body["documents"] for one in groups] == [2, 2]
    growth = survey.figures["growth"]
    assert len(growth["days"]) == 1
    assert growth["labels"] == {"LC": [1], "PS": [4]}


def test_what_is_settled_is_neither_listed_nor_counted(any_database: Database) -> None:
    project_id = a_project(any_database)
    take_survey(any_database, project_id)
    with any_database.read() as session:
        (conflict,) = findings(session, project_id, Found.EXACT_CONFLICT, limit=9)
    for settled, left in ((True, 0), (False, 1)):
        with any_database.write() as session:
            settle_findings(session, project_id, conflict.subject, settled)
        with any_database.read() as session:
            assert open_findings(session, project_id)[Found.EXACT_CONFLICT] == left
            assert len(findings(session, project_id, Found.EXACT_CONFLICT, limit=9)) == left


def test_there_is_another_when_gold_has_changed_and_the_last_is_old(
    any_database: Database,
) -> None:
    project_id = a_project(any_database)
    take_survey(any_database, project_id)

    def grow_old() -> None:
        with any_database.write() as session:
            survey = last_survey(session, project_id)
            assert survey is not None
            survey.made_at = now() - timedelta(hours=1)

    grow_old()
    assert not survey_due(any_database, project_id)
    with any_database.write() as session:
        session.get_one(Project, project_id).gold_revision += 1
    assert survey_due(any_database, project_id)
    take_survey(any_database, project_id)
    with any_database.write() as session:
        session.get_one(Project, project_id).gold_revision += 1
    assert not survey_due(any_database, project_id)
    grow_old()
    assert survey_due(any_database, project_id)


def test_growth_is_summed_and_long_times_are_drawn_at_fewer_points() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 8) for day in range(1, 29)]
    growth = growth_of([(day, "PS", 2) for day in days])
    assert len(growth["days"]) == stage.POINTS
    assert (growth["days"][0], growth["days"][-1]) == (days[0], days[-1])
    assert growth["labels"]["PS"][-1] == 2 * len(days)
    assert growth_of([]) == {"days": [], "labels": {}}
    several = growth_of([("2026-01-01", "PS", 1), ("2026-01-03", "LC", 5)])
    assert several == {
        "days": ["2026-01-01", "2026-01-03"],
        "labels": {"LC": [0, 5], "PS": [1, 1]},
    }
