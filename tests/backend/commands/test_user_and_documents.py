"""`goldloop user`, `import` and `export` as people type them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.commands.documents import import_files
from backend.commands.export import export
from backend.commands.user import user
from backend.db.accounts import account_by_email, password_fits
from backend.db.session import Database
from backend.db.tables import Project
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.settings import Settings


@pytest.fixture(autouse=True)
def _environment(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))


def typed(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(user, list(words), input=given)


def test_an_account_is_added_listed_and_its_password_changed(database: Database) -> None:
    added = typed(
        "add",
        "Curator-1@Example.com",
        "--role",
        "curator",
        "--name",
        "큐레이터 1",
        "--password-stdin",
        given="first-password\n",
    )
    assert added.output == "curator-1@example.com added as curator\n"
    assert "curator-1@example.com\tcurator\t큐레이터 1" in typed("list").output
    changed = typed("password", "curator-1@example.com", "--generate")
    new = changed.output.splitlines()[-1].removeprefix("password: ")
    with database.read() as session:
        account = account_by_email(session, "curator-1@example.com")
        assert account is not None
        assert password_fits(account.password_hash, new)
        assert not password_fits(account.password_hash, "first-password")


def test_what_cannot_be_is_one_sentence() -> None:
    typed("add", "a@b.c", "--role", "curator", "--generate")
    again = typed("add", "A@b.c", "--role", "annotator", "--generate").exception
    assert isinstance(again, ConflictError)
    short = typed("add", "d@b.c", "--role", "curator", "--password-stdin", given="short\n")
    assert isinstance(short.exception, InvalidInputError)
    assert isinstance(
        typed("add", "no-address", "--role", "curator", "--generate").exception, InvalidInputError
    )
    assert isinstance(typed("password", "x@y.z", "--generate").exception, NotFoundError)


def test_documents_go_in_and_gold_comes_out(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PS"]))
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = {"id": "a", "text": "😀 김철수는", "entities": [{"start": 2, "end": 5, "label": "PS"}]}
    bad = {"id": "b", "text": "글", "entities": [{"start": 0, "end": 1, "label": "ZZ"}]}
    file.write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n", "utf-8")
    told = CliRunner().invoke(import_files, ["p", str(file), "--gold", "train"])
    assert told.exit_code == 2  # something was refused
    assert "1 added, 0 already there, 1 with gold, 1 refused" in told.output
    assert "in.jsonl:2: label not in the project: 'ZZ'" in told.output
    told = CliRunner().invoke(export, ["p", "--out", str(out)])
    assert "1 gold documents written" in told.output
    line = json.loads(out.read_text("utf-8"))
    assert (line["id"], line["entities"][0]["text"]) == ("a", "김철수")
    assert list(tmp_path.glob(".out.jsonl*")) == []
