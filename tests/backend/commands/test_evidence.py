"""`goldloop evidence` as people type it."""

import json

import pytest
from click.testing import CliRunner

from backend.commands.evidence import evidence_command
from backend.db.session import Database
from backend.settings import Settings
from tests.backend.workflow.evidence.test_rejections import TEXT, predicted
from tests.backend.workflow.loop_data import add_documents, add_project, add_version


@pytest.fixture
def typed(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    with database.write() as session:
        project = add_project(session)
        said, silent = add_documents(session, project, [TEXT, "다른 글"])
        said.external_id, silent.external_id = "said", "silent"
        predicted(session, said, add_version(session, project), (0, 3, "PS"))

    def ran(*words: str, status: int = 0) -> str:
        result = CliRunner().invoke(evidence_command, ["p", *words])
        assert result.exit_code == status, result.output
        return result.stdout

    return ran


def test_evidence_is_told_as_a_table_and_as_the_record_of_the_api(typed) -> None:
    assert "김철수" in typed("said")
    told = json.loads(typed("said", "--json"))
    assert (told["version"], told["suggestions"][0]["fate"]) == ("v1", "shown")
    assert json.loads(typed("said", "--after", "0", "--json"))["suggestions"] == []
    assert "no version has said anything" in typed("silent")
    typed("missing", status=1)
