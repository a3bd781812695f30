"""`goldloop release` and `goldloop export --format` as people type them."""

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click import Command
from click.testing import CliRunner, Result

from backend.commands.export import export
from backend.commands.release import release
from backend.db.session import Database
from backend.db.tables import Gold, Part, Project
from backend.db.tables_of_releases import Release
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.settings import Settings
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.releases import export as its_export
from tests.backend.workflow.releases import gold as made


@pytest.fixture(autouse=True)
def _environment(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    made.add_project(database)
    made.import_gold(database, tmp_path, made.lines())


def typed(*words: str) -> Result:
    return CliRunner().invoke(release, list(words))


def test_a_release_is_made_listed_shown_and_verified(settings: Settings) -> None:
    first = typed("create", "p", "--licence", "CC BY", "--note", "처음", "--by", "a@example.com")
    assert first.exit_code == 0, first.output
    folder = settings.releases / "p" / "1"
    assert str(folder) in first.output
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.iterdir())
    listed = typed("list", "p").output
    assert all(word in listed for word in ("a@example.com", "처음", str(len(made.lines()))))
    card = typed("show", "p", "1").output
    assert "**Licence**: CC BY" in card
    assert json.loads(typed("show", "p", "1", "--json").output)["licence"] == "CC BY"
    for words in (["p", "1", "--against-database"], ["--folder", str(folder)]):
        verified = typed("verify", *words)
        assert verified.exit_code == 0, verified.output
        assert "every byte, entity, count and split is right" in verified.output
    assert (
        "the database gives the same digest"
        in typed("verify", "p", "1", "--against-database").output
    )


def test_a_release_is_downloaded_as_a_whole_or_file_by_file(
    settings: Settings, tmp_path: Path
) -> None:
    typed("create", "p")
    folder = settings.releases / "p" / "1"
    told = typed("download", "p", "1", "--out", "all.tar", "--json")
    assert json.loads(told.output)["bytes"] == (tmp_path / "all.tar").stat().st_size
    with tarfile.open("all.tar") as archive:
        archive.extractall(filter="data")
    assert typed("verify", "--folder", "p-1").exit_code == 0
    for name in ("manifest.json", "card.md"):
        assert typed("download", "p", "1", "--file", name, "--out", name).exit_code == 0
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    there = typed("download", "p", "1", "--file", "card.md", "--out", "card.md")
    assert isinstance(there.exception, InvalidInputError)
    outside = typed("download", "p", "1", "--file", "../1/card.md", "--out", "other")
    assert isinstance(outside.exception, NotFoundError)
    assert not (tmp_path / "other").exists()


def test_the_same_content_is_not_released_again(database: Database, settings: Settings) -> None:
    typed("create", "p")
    again = typed("create", "p", "--note", "no news")
    assert "nothing has changed since release 1" in again.output
    assert [path.name for path in (settings.releases / "p").glob("[!.]*")] == ["1"]
    with database.write() as session:
        session.query(Project).one().gold_revision += 1
        session.get_one(Gold, made.document(session, "d0001").id).entities = []
    assert "release 2" in typed("create", "p").output
    diff = typed("diff", "p", "1", "2").output
    assert "0 added, 0 removed, 1 changed" in diff
    assert "d0001: [0, 3) PS removed" in diff
    found = json.loads(typed("diff", "p", "1", "2", "--json").stdout)
    assert [one["id"] for one in found["documents"]["changed"]] == ["d0001"]


def test_verify_fails_and_names_what_was_changed(database: Database, settings: Settings) -> None:
    typed("create", "p")
    folder = settings.releases / "p" / "1"
    path = folder / "dev.jsonl"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"PS", b"LC", 1))
    told = typed("verify", "p", "1")
    assert told.exit_code == 1
    assert "dev.jsonl:1: document" in told.output
    assert "dev.jsonl: is not what the manifest says" in told.output
    with database.write() as session:
        session.query(Project).one().gold_revision += 1
    assert (
        "gold has changed since release 1" in typed("verify", "p", "1", "--against-database").output
    )


def test_verify_says_what_comes_out_otherwise_where_only_parts_have_changed(
    database: Database, settings: Settings
) -> None:
    typed("create", "p")
    with database.write() as session:
        moved = made.document(session, "d0001")
        assert moved.part == Part.TEST
        moved.part = Part.DEV
    told = typed("verify", "p", "1", "--against-database")
    assert told.exit_code == 1
    assert "gives another dev.jsonl and test.jsonl: gold and labels are what they" in told.output
    assert "every byte" not in told.output


def test_a_folder_that_was_made_anew_as_a_whole_is_not_what_was_listed(
    database: Database, settings: Settings
) -> None:
    typed("create", "p")
    with database.write() as session:
        session.query(Release).one().manifest_digest = "0" * 64
    told = typed("verify", "p", "1")
    assert told.exit_code == 1
    assert "manifest.json: is not the one that was written at the release" in told.output


def test_what_cannot_be_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    assert isinstance(typed("verify", "p", "7").exception, NotFoundError)
    assert isinstance(typed("create", "nobody").exception, NotFoundError)
    told = typed("create", "p", "--label", "XX").exception
    assert isinstance(told, InvalidInputError)
    assert "'XX'" in str(told)
    assert not (settings.releases / "p").exists(), "told before copies are looked for"
    wrong = typed("create", "p", "--since", "2020-01-02", "--until", "2020-01-01").exception
    assert isinstance(wrong, InvalidInputError)
    typed("create", "p")
    read_only = typed("export", "p", "1", "--out", str(tmp_path / "x"), "--format", "klue")
    assert isinstance(read_only.exception, InvalidInputError)


@pytest.mark.parametrize("name", ["jsonl", "doccano", "label-studio", "parquet"])
def test_a_release_or_a_part_of_it_is_written_in_other_formats(name: str, tmp_path: Path) -> None:
    typed("create", "p")
    out = tmp_path / f"out-{name}"
    told = typed("export", "p", "1", "--out", str(out), "--format", name, "--split", "dev")
    assert told.exit_code in (0, 2), told.output
    records = [one for one in read_path(out) if isinstance(one, DocumentRecord)]
    dev = typed("show", "p", "1", "--json").output
    assert len(records) == json.loads(dev)["splits"]["dev"]["documents"]
    assert all(record.entities for record in records)


def test_what_a_format_cannot_hold_is_told_and_counted(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        gold = session.get_one(Gold, made.document(session, "d0001").id)
        gold.entities = [  # one inside the other: columns hold one tag a character
            {"start": 0, "end": 3, "label": "PS"},
            {"start": 1, "end": 2, "label": "LC"},
        ]
        session.query(Project).one().gold_revision += 1
    typed("create", "p")
    out = tmp_path / "out.bio"
    for told in (
        typed("export", "p", "1", "--out", str(out), "--format", "bio-characters"),
        CliRunner().invoke(export, ["p", "--out", str(out), "--format", "bio-characters"]),
    ):
        assert told.exit_code == 2, told.output
        assert "document 'd0001' [" in told.output
        losses = list(map(json.loads, Path(f"{out}.losses.jsonl").read_text("utf-8").splitlines()))
        assert "d0001" in {loss["id"] for loss in losses}
        assert f"{len(losses)} things that this format cannot hold" in told.output


def test_two_releases_are_not_made_at_once(settings: Settings) -> None:
    home = settings.releases / "p"
    home.mkdir(parents=True)
    with (home / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert isinstance(typed("create", "p").exception, ConflictError)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (export, ["p", "--format", "jsonl"]),
        (export, ["p", "--format", "doccano"]),
        (release, ["export", "p", "1", "--format", "bio-characters"]),
    ],
)
def test_an_export_that_is_stopped_leaves_what_was_there(
    command: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed("create", "p")
    folder = Path("out")
    folder.mkdir()
    (folder / "gold").write_text("of yesterday")
    counted = its_export._counted

    def stopped(documents: Iterable[object], *more: Any) -> Iterator[object]:
        yield from islice(counted(documents, *more), 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(its_export, "_counted", stopped)
    told = CliRunner().invoke(command, [*words, "--out", str(folder / "gold")])
    assert told.exit_code == 130
    assert "stopped: nothing was written to out/gold" in told.stderr
    assert [path.read_text() for path in folder.iterdir()] == ["of yesterday"]
    monkeypatch.undo()


def test_a_file_that_cannot_be_written_is_told_in_a_sentence() -> None:
    told = CliRunner().invoke(export, ["p", "--out", "no-such-folder/gold.jsonl"])
    assert isinstance(told.exception, InvalidInputError)
    assert "gold.jsonl cannot be written: No such file or directory" in str(told.exception)


def test_a_release_of_another_database_is_not_overwritten(
    database: Database, settings: Settings
) -> None:
    typed("create", "p", "--note", "first")
    folder = settings.releases / "p" / "1"
    with database.write() as session:
        session.query(Release).delete()  # as a database that is younger knows none
    assert typed("create", "p").exit_code == 0  # the same content: of one that was killed
    with database.write() as session:
        session.query(Release).delete()
        gold = session.query(Gold).first()
        assert gold is not None
        gold.entities = []
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    told = typed("create", "p")
    assert isinstance(told.exception, ConflictError)
    assert "holds a release that this database does not list" in str(told.exception)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.glob(".making*")) == []


KILLED = """
import os, pathlib, signal
rename = pathlib.Path.rename
def killed(self, target):
    rename(self, target)
    if self.name.startswith(".making"):
        os.kill(os.getpid(), signal.SIGKILL)
pathlib.Path.rename = killed
from backend.cli import goldloop
goldloop(["release", "create", "p"])
"""


def test_one_that_was_killed_before_it_was_listed_is_made_anew_from_other_gold(
    database: Database, settings: Settings
) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert died.returncode == -signal.SIGKILL
    folder = settings.releases / "p" / "1"
    assert (folder / "manifest.json").exists()
    with database.write() as session:
        gold = session.query(Gold).first()
        assert gold is not None
        gold.entities = []
    assert typed("create", "p").exit_code == 0
    assert typed("verify", "p", "1").exit_code == 0
    assert [path.name for path in folder.parent.glob(".*")] == [".lock"]


@pytest.mark.parametrize("seed", range(4))
def test_an_interrupt_at_any_moment_leaves_nothing_half_made(
    database: Database, settings: Settings, seed: int
) -> None:
    home = settings.releases / "p"
    left_over = home / ".making-killed"
    left_over.mkdir(parents=True)  # of a process that was killed
    (left_over / "dev.jsonl").write_text("half")
    (home / "1").mkdir()  # of one that was killed between renaming and listing
    command = "from backend.cli import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", command, "release", "create", "p"],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while child.poll() is None and left_over.exists():
        time.sleep(0.002)
    time.sleep(random.Random(seed).random() * 0.3)
    child.send_signal(signal.SIGINT)
    told = child.communicate(timeout=60)[0]
    assert not left_over.exists(), told
    with database.read() as session:
        listed = [str(row.number) for row in session.query(Release)]
    assert sorted(path.name for path in home.glob("[!.]*")) in (listed, ["1"])
    assert list(home.glob(".making*")) == []
    again = typed("create", "p")
    assert again.exit_code == 0, again.output
    assert typed("verify", "p", "1", "--against-database").exit_code == 0
