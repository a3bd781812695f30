"""What the commands tell with --json is what the API tells: JSON, and nothing else beside it."""

import json
from importlib.metadata import entry_points

import click
import pytest
from click.testing import CliRunner

from backend.commands.audit_log import audit_log
from backend.commands.documents import import_files
from backend.commands.labels import labels
from backend.commands.project import project
from backend.commands.token import token
from backend.commands.user import user
from backend.db.session import Database
from backend.settings import Settings

CONFIG = "annotation_configs/klue.xml"
TOLD_OTHERWISE = {
    # nothing to tell, or a service that runs until it is stopped
    *("admin", "db", "demo", "health", "ml-backend", "sample", "scheduler", "tagger", "worker"),
}


@pytest.fixture
def run(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch):
    """Run a command as a program does, and read what it tells."""
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))

    def ran(command: click.Command, *words: str, status: int = 0):
        result = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return ran


def commands(group: click.Command, path: str) -> list[tuple[str, click.Command]]:
    if not isinstance(group, click.Group):
        return [(path, group)]
    return [
        found
        for name, command in group.commands.items()
        for found in commands(command, f"{path} {name}")
    ]


def test_every_command_that_tells_something_tells_it_as_json_too() -> None:
    without = [
        path
        for entry in entry_points(group="goldloop.commands")
        if entry.name not in TOLD_OTHERWISE
        for path, command in commands(entry.load(), entry.name)
        if "--json" not in [flag for one in command.params for flag in one.opts]
    ]
    assert without == []


def test_projects_settings_and_labels(run) -> None:
    made = run(project, "create", "p", "--config", CONFIG)
    assert made["key"] == "p"
    assert [one["key"] for one in run(project, "list")] == ["p"]
    done = run(project, "set", "p", "open_tasks=9")
    assert (done["before"], done["after"]) == ({"open_tasks": 2000}, {"open_tasks": 9})
    shown = run(project, "show", "p")
    assert (shown["open_tasks"], shown["labels"]) == (9, made["labels"])
    assert (shown["champion"], shown["label_studio_project"]) == (None, None)
    assert run(project, "undo", "p", str(done["change"]))["after"] == {"open_tasks": 2000}
    assert run(project, "set", "p", "open_tasks=2000")["change"] is None
    renamed = run(labels, "rename", "p", f"{made['labels'][0]}=person")
    assert (renamed["number"], renamed["mapping"]) == (1, {made["labels"][0]: "person"})
    assert run(labels, "restore", "p", "0")["mapping"] == {}
    looked = run(project, "test", "p", status=1)
    assert looked[0]["trouble"] == "no_address"


def test_files_are_imported(run, tmp_path) -> None:
    run(project, "create", "p", "--config", CONFIG)
    file = tmp_path / "some.jsonl"
    file.write_text('{"id": "a", "text": "홍길동이 왔다."}\n{"text": 3}\n', "utf-8")
    told = run(import_files, "p", str(file), status=2)
    assert told["files"][0]["added"] == told["files"][0]["refused_lines"] == 1


def test_people_tokens_and_the_log_of_both(run) -> None:
    added = run(user, "add", "curator@example.com", "--role", "curator", "--generate")
    assert len(added["password"]) >= 12
    assert [one["email"] for one in run(user, "list")] == ["curator@example.com"]
    made = run(token, "make", "curator@example.com", "--name", "ci", "--scope", "gold:read")
    assert made["token"].startswith("gl_")
    assert run(token, "list")[0]["state"] == "live"
    run(token, "revoke", str(made["id"]))
    assert run(token, "list")[0]["state"] == "revoked"
    assert run(audit_log, "--limit", "1")["action"] == "token.revoke"
