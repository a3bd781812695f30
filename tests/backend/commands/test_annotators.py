"""`goldloop annotators` tells what the page and the API tell."""

import json

import pytest
from click.testing import CliRunner

from backend.commands.annotators import annotators
from backend.db.session import Database
from backend.settings import Settings
from tests.backend.admin.filled import add_people, add_project, fill
from tests.backend.admin.people_data import SHARED, add_shared_work


@pytest.fixture
def told(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch):
    """What the command tells of a project with shared work, or of an empty one."""
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    monkeypatch.setenv("COLUMNS", "200")
    with database.write() as session:
        add_people(session)
        project = add_project(session)
        fill(session, project, settings.jobs / "job", documents=400)
        add_project(session, "empty", "empty")
    with database.write() as session:
        add_shared_work(session, session.merge(project))

    def tell(*words: str) -> str:
        result = CliRunner().invoke(annotators, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return tell


def test_people_and_pairs_are_told_in_words_and_as_json(told) -> None:
    words = told("general")
    assert "annotator@example.com accepts wrong pre-labels more than chance allows" in words
    assert "annotator@example.com · annotator-2@example.com" in words
    record = json.loads(told("general", "--json"))
    flagged = [one["email"] for one in record["people"] if (one["test"] or {}).get("flagged")]
    assert flagged == ["annotator@example.com"]
    (pair,) = record["agreement"]["pairs"]
    assert pair["documents"] == record["agreement"]["overall"]["documents"] == SHARED


def test_of_an_empty_project_there_is_nothing_to_tell(told) -> None:
    assert "agreement on 0 documents" in told("empty")
    assert json.loads(told("empty", "--json"))["people"] == []
