"""Planted leaks are found wherever they are, and what is whole is proved to be."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from backend.commands.verify import verify
from backend.db.session import Database
from backend.db.tables import Arm, Part
from backend.workflow.duplicates.near_sketch import Similarity
from backend.workflow.duplicates.verify_splits import leaks_among, project_leaks
from backend.workflow.versions import snapshot
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project

TEXTS = [
    f"{place}에서 열린 회의에 여러 나라 대표가 참석했습니다"
    for place in (
        "서울 북쪽 강가의 큰 호텔",
        "파리",
        "베를린 남쪽의 오래된 성에 있는 회관",
        "런던 시내",
    )
]
NEAR = TEXTS[0].replace("호텔", "여관")


@pytest.fixture
def typed(settings, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    return lambda *words: CliRunner().invoke(verify, ["splits", "p", *words])


def filled(session):
    project = add_project(session)
    documents = add_documents(session, project, [*TEXTS, NEAR, TEXTS[1]])
    for document in documents[:5]:
        add_gold(session, document, part=Part.TRAIN)
    documents[5].part = documents[1].part
    documents[4].near_id = documents[0].id
    documents[0].near_id = documents[0].id
    session.flush()
    return project, documents


def test_a_whole_project_holds(any_database: Database) -> None:
    with any_database.write() as session:
        project, _ = filled(session)
        report = project_leaks(session, project)
    assert report.holds
    assert report.looked_at == {"project p": 6}


@pytest.mark.parametrize(("planted", "kind"), [(5, "exact"), (4, "near")])
def test_a_document_in_another_part_than_its_copies_is_a_leak(
    any_database: Database, planted: int, kind: str
) -> None:
    with any_database.write() as session:
        project, documents = filled(session)
        documents[planted].part, documents[planted].arm = Part.TEST, Arm.RANDOM
        session.flush()
        (leak,) = project_leaks(session, project).leaks
    copied = documents[{5: 1, 4: 0}[planted]]
    assert leak.kind == kind
    assert leak.documents == {
        "test": [documents[planted].external_id],
        "train": [copied.external_id],
    }


def test_gold_without_a_part_trains(any_database: Database) -> None:
    with any_database.write() as session:
        project, documents = filled(session)
        documents[5].part = Part.DEV
        documents[1].part = None
        session.flush()
        (leak,) = project_leaks(session, project).leaks
    assert set(leak.documents) == {"dev", "train"}


def test_the_command_proves_it_and_fails_on_planted_leaks(
    database: Database, typed, tmp_path: Path
) -> None:
    with database.write() as session:
        project, documents = filled(session)
        for document in documents:
            document.near_id = None  # the search finds it
        folder = tmp_path / "whole"
        snapshot.freeze(session, project, folder)
    told = typed("--snapshot", str(folder))
    assert told.exit_code == 0, told.output
    assert "no copies, exact or near, stand in different parts" in told.output

    release = tmp_path / "release"
    release.mkdir()
    for part, text in (("train", TEXTS[0]), ("test", NEAR), ("dev", TEXTS[2] + " ")):
        (release / f"{part}.jsonl").write_bytes(
            orjson.dumps({"id": f"{part} document", "text": text, "entities": []}) + b"\n"
        )
    told = typed("--release", str(release))
    assert told.exit_code == 1
    assert "near copies in different parts: train: train document; test: test document" in (
        told.output
    )
    told = typed("--release", str(release), "--json")
    assert [leak["kind"] for leak in orjson.loads(told.stdout)["leaks"]] == ["near"]

    with database.write() as session:
        document = session.get_one(type(documents[0]), documents[4].id)
        document.part = Part.GATE
    told = typed()
    assert told.exit_code == 1
    assert document.external_id in told.output


def test_a_leaking_snapshot_names_its_documents(tmp_path: Path, database: Database, typed) -> None:
    with database.write() as session:
        add_project(session)
    one = [GoldDocument("a", "g", TEXTS[0], [])]
    other = [GoldDocument("b", "h", TEXTS[0].replace(" ", "  "), [])]
    write_snapshot(tmp_path / "s", {"train": one, "dev": [], "gate": other}, LabelSet(("PS",)))
    told = typed("--snapshot", str(tmp_path / "s"))
    assert told.exit_code == 1
    assert "exact copies in different parts" in told.output
    assert "train: a" in told.output


def test_copies_within_one_part_are_no_leak_and_chunks_do_not_matter(monkeypatch) -> None:
    monkeypatch.setattr("backend.workflow.duplicates.verify_splits.CHUNK", 2)
    documents = [("train", str(number), text) for number, text in enumerate([*TEXTS, NEAR] * 2)]
    assert leaks_among(documents, Similarity(0.85), "here") == (10, [])
    count, leaks = leaks_among([*documents, ("test", "x", NEAR)], Similarity(0.85), "here")
    assert count == 11
    assert sorted(leak.kind for leak in leaks) == ["exact", "near"]
    assert all(leak.documents["test"] == ["x"] for leak in leaks)
