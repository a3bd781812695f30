"""The search for near copies in the database: new documents, their copies, roles, interruptions."""

from pathlib import Path
from uuid import uuid4

import pytest

from backend.db.session import Database
from backend.db.tables import Arm, Document, Part, Project
from backend.loop import near as searching
from backend.loop.near import find_near, index_folder, search_wanted
from backend.workflow.duplicates.normal_form import group_key
from tests.backend.workflow.loop_data import add_project

STEM = "오늘 저녁 서울에서 열린 회의에 {} 씨가 참석했습니다"
NAMES = ["김가나", "이다라", "박마바", "최사아"]
OTHER = "진주동 경기장 주변 도로를 통제한다는 소식이 전해졌다"


def add_texts(database: Database, project_id: int, texts: list[str]) -> list[int]:
    made = []
    with database.write() as session:
        for text in texts:
            document = Document(
                project_id=project_id,
                external_id=uuid4().hex,
                text=text,
                group_key=group_key(text),
                deduped=True,
            )
            session.add(document)
            session.flush()
            made.append(document.id)
    return made


def near_ids(database: Database, ids: list[int]) -> list[int | None]:
    with database.read() as session:
        return [session.get_one(Document, number).near_id for number in ids]


@pytest.fixture
def project(any_database: Database) -> int:
    with any_database.write() as session:
        return add_project(session).id


def test_new_documents_join_those_that_were_there(
    any_database: Database, project: int, tmp_path: Path
) -> None:
    first = add_texts(any_database, project, [STEM.format(NAMES[0]), OTHER])
    assert search_wanted(any_database, tmp_path, project)
    report = find_near(any_database, tmp_path, project)
    assert report is not None
    assert (report.looked_at, report.joined) == (2, 0)
    assert not search_wanted(any_database, tmp_path, project)
    more = add_texts(
        any_database, project, [STEM.format(NAMES[1]), OTHER + "!", STEM.format(NAMES[0]) + " "]
    )
    seen = []
    find_near(any_database, tmp_path, project, lambda done, left: seen.append((done, left)))
    assert seen == [(0, 3), (3, 0)]
    old, other = first
    # the last one is an exact copy of the first
    assert near_ids(any_database, first + more) == [old, other, old, other, old]
    copies = add_texts(any_database, project, [STEM.format(NAMES[1]), "아무 상관 없는 문장이다"])
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, copies) == [old, None]


def test_groups_that_become_near_are_united_under_the_most_secret_role(
    any_database: Database, project: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CHUNK", 2)
    monkeypatch.setattr(searching, "WRITTEN", 1)
    texts = [
        "가나다라마바사아자차카타파하 거너더러머버서",
        "가나다라마바사아자차카타파하 거너더호호호호",
        "가나다라마바사아자차카타파하 거너더러머호호",
    ]
    ids = add_texts(any_database, project, texts[:2])
    with any_database.write() as session:
        session.get_one(Document, ids[0]).part = Part.TRAIN
        session.get_one(Document, ids[1]).part = Part.CERTIFY
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, ids) == [None, None]
    ids += add_texts(any_database, project, texts[2:])  # the bridge
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, ids) == [ids[0]] * 3
    with any_database.read() as session:
        found = [session.get_one(Document, number) for number in ids]
    assert {(one.part, one.arm) for one in found} == {(Part.CERTIFY, Arm.RANDOM)}


def test_an_interrupted_search_goes_on_and_finds_the_same(
    any_database: Database, project: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CHUNK", 3)
    texts = [STEM.format(name) for name in NAMES] + [OTHER, OTHER + "."]
    ids = add_texts(any_database, project, texts)
    kept = searching.NearIndex.keep
    calls = []

    def interrupted(index: searching.NearIndex, progress: searching.Progress) -> None:
        calls.append(progress)
        if len(calls) == 2:
            raise KeyboardInterrupt
        kept(index, progress)

    monkeypatch.setattr(searching.NearIndex, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_near(any_database, tmp_path, project)
    report = find_near(any_database, tmp_path, project)
    assert report is not None
    assert report.looked_at == 3  # the chunk that was not kept
    assert near_ids(any_database, ids) == [ids[0]] * 4 + [ids[4]] * 2


def test_the_index_is_made_anew_when_it_does_not_match(
    any_database: Database, project: int, tmp_path: Path
) -> None:
    ids = add_texts(any_database, project, [STEM.format(name) for name in NAMES])
    find_near(any_database, tmp_path, project)
    with any_database.write() as session:
        session.delete(session.get_one(Document, ids[1]))
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, [ids[0], ids[2]]) == [ids[0], ids[0]]
    with any_database.write() as session:
        session.get_one(Project, project).settings = {"near_threshold": 0.98}
    assert search_wanted(any_database, tmp_path, project)
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, [ids[0], ids[2]]) == [None, None]
    for file in index_folder(tmp_path, project).glob("segment-*/forms.bin"):
        file.parent.rename(file.parent.with_name("lost"))
    with any_database.write() as session:
        session.get_one(Project, project).settings = {}
    find_near(any_database, tmp_path, project)
    assert near_ids(any_database, [ids[0], ids[2], ids[3]]) == [ids[0]] * 3


def test_one_process_at_a_time(any_database: Database, project: int, tmp_path: Path) -> None:
    with searching.lease(any_database, f"near-{project}"):
        assert find_near(any_database, tmp_path, project) is None
    assert find_near(any_database, tmp_path, project) is not None


def test_many_texts_are_sketched_by_other_processes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.workflow.duplicates.near_workers.WORTH_IT", 4)
    monkeypatch.setattr("backend.workflow.duplicates.near_workers.SLICE", 2)
    with database.write() as session:
        project = add_project(session).id
    ids = add_texts(database, project, ["짧다", *(STEM.format(name) for name in NAMES)])
    find_near(database, tmp_path, project)
    assert near_ids(database, ids) == [None] + [ids[1]] * 4
