"""A large file is read by a process of its own: the same documents, whatever ends it."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.db.session import Database
from backend.db.tables import Document, Project
from backend.errors import GoldloopError, InvalidInputError
from backend.loop import reading_ahead
from backend.loop.import_files import import_file
from backend.loop.reading_ahead import Reading, ready_chunks
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.source import ReadOptions
from backend.workflow.imports.ready_documents import CHUNK, Chunk
from ml_backend.contract.label_set import LabelSet

COUNT = 2 * CHUNK + 10
REFUSED = len(range(7, COUNT, 50))


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "WORTH_IT", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for n in range(COUNT):
            entities = [{"start": 0, "end": 1, "label": "XX" if n % 50 == 7 else "PER"}]
            record = {"id": f"{n}", "text": f"글 {n}", "entities": entities, "more": n}
            lines.write(json.dumps(record) + "\n")
    return path


def reading(file: Path) -> Reading:
    adapt = Adaptation({"PER": "PS"}, id_prefix="x-")
    return Reading(file, ReadOptions(), adapt, LabelSet(("PS", "LC")), casefold=False)


Readers = list[subprocess.Popen[bytes]]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Readers:
    """The processes that were started."""
    started: Readers = []
    whole = subprocess.Popen

    def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(whole(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def read(file: Path, advance: list[int]) -> Iterator[Chunk]:
    with (
        open_records(file) as found,
        ready_chunks(found, reading(file), advance.append) as chunks,
    ):
        yield from chunks


def test_what_another_process_reads_is_what_this_one_would(file: Path, readers: Readers) -> None:
    advance: list[int] = []
    ahead = list(read(file, advance))
    with open_records(file) as found:
        assert ahead == list(reading(file).chunks(found))
    assert [chunk.lines for chunk in ahead] == [CHUNK, CHUNK, 10]
    assert sum(advance) == file.stat().st_size
    assert any(chunk.refused for chunk in ahead)
    assert [one.returncode is not None for one in readers] == [True]


def test_a_small_file_is_read_here(
    file: Path, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_ahead, "WORTH_IT", file.stat().st_size + 1)
    assert sum(chunk.lines for chunk in read(file, [])) == COUNT
    assert readers == []


def test_a_reader_ends_with_whoever_wants_no_more(file: Path, readers: Readers) -> None:
    file.write_text(20 * file.read_text("utf-8"), "utf-8")  # more than a pipe holds
    chunks = read(file, [])
    next(chunks)
    (reader,) = readers
    assert reader.poll() is None
    chunks.close()  # type: ignore[attr-defined]
    assert reader.returncode is not None


def test_a_reader_that_is_killed_is_told_and_the_import_goes_on_from_there(
    any_database: Database, file: Path, readers: Readers
) -> None:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=["PER"]))
    file.write_text(20 * file.read_text("utf-8"), "utf-8")
    with pytest.raises(GoldloopError, match="the process that read it was ended"):
        import_file(any_database, "p", file, None, lambda lines: readers[0].kill())
    with any_database.read() as session:
        there = session.scalar(select(func.count()).select_from(Document)) or 0
    assert there > 0
    report = import_file(any_database, "p", file, None)
    assert report.added + there == COUNT - REFUSED


def test_an_error_of_the_reader_is_that_of_the_import(file: Path, readers: Readers) -> None:
    how = replace(reading(file), options=ReadOptions("no-such-encoding"))
    with (
        open_records(file) as found,
        pytest.raises(InvalidInputError, match="no-such-encoding"),
        ready_chunks(found, how, lambda count: None) as chunks,
    ):
        list(chunks)
    assert readers[0].returncode is not None
