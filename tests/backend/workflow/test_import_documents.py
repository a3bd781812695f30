"""Import: nothing twice, nothing altered, nothing dropped in silence; roles are permanent."""

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from backend.commands.documents import set_copies_aside
from backend.db.label_recount import differences
from backend.db.session import Database
from backend.db.tables import Arm, Document, Gold, GoldSource, Part, Project
from backend.loop.import_files import import_file
from backend.workflow import import_documents
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.ready_documents import CHUNK, chunks
from backend.workflow.imports.report import KEPT_REFUSALS
from backend.workflow.select import part_of
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet

LABELS = ["PS", "LC"]


@pytest.fixture
def project(any_database: Database) -> Database:
    with any_database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=LABELS))
    return any_database


def written(path: Path, records: Sequence[object]) -> Path:
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines), "utf-8")
    return path


def labelled(text: str, **more: object) -> dict[str, object]:
    return {"text": text, "entities": [{"start": 0, "end": 1, "label": "PS"}], **more}


def documents(database: Database) -> list[Document]:
    with database.read() as session:
        return list(session.scalars(select(Document).order_by(Document.id)))


def test_the_same_file_twice_adds_nothing(project: Database, tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        [labelled(f"{n % 400}번 문서") for n in range(600)] + [{"id": "x", "text": "이름"}],
    )
    first = import_file(project, "p", file, "train")
    again = import_file(project, "p", file, "train")
    assert (first.added, first.with_gold, first.already_there) == (601, 600, 0)
    assert (again.added, again.with_gold, again.already_there) == (0, 0, 601)
    assert not again.refused
    assert len(documents(project)) == 601


def test_texts_are_kept_exactly(project: Database, tmp_path: Path) -> None:
    texts = ["각각\r\n", "  공백  ", "👨‍👩‍👧 𠮷", "ｆｕｌｌ　ｗｉｄｔｈ", "\u200b폭없음"]
    import_file(project, "p", written(tmp_path / "a.jsonl", [{"text": t} for t in texts]), None)
    assert [document.text for document in documents(project)] == texts


def test_entities_are_gold_only_when_asked(project: Database, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", [labelled("가"), {"text": "나"}])
    report = import_file(project, "p", file, None)
    assert (report.added, report.with_gold, report.entities_unused) == (2, 0, 1)
    later = import_file(project, "p", file, "train")
    assert (later.added, later.with_gold) == (0, 1)


def test_gold_raises_the_revision_once_a_chunk_and_names_its_source(
    project: Database, tmp_path: Path
) -> None:
    import_file(
        project,
        "p",
        written(tmp_path / "a.jsonl", [labelled(f"{n}") for n in range(CHUNK + 50)]),
        "train",
    )
    with project.read() as session:
        assert session.scalars(select(Project.gold_revision)).one() == 2
        rows = session.execute(
            select(Gold.source, Gold.revision, func.count()).group_by(Gold.source, Gold.revision)
        )
        assert sorted(rows.all()) == [(GoldSource.IMPORTED, 1, CHUNK), (GoldSource.IMPORTED, 2, 50)]


def test_train_gold_is_ranked_and_random_gold_gets_its_part_by_hash(
    project: Database, tmp_path: Path
) -> None:
    import_file(project, "p", written(tmp_path / "a.jsonl", [labelled("가 나")]), "train")
    import_file(project, "p", written(tmp_path / "b.jsonl", [labelled("다 라")]), "random")
    trained, random = documents(project)
    assert (trained.arm, trained.part) == (Arm.RANKED, Part.TRAIN)
    assert (random.arm, random.part) == (Arm.RANDOM, part_of(random.group_key))


def test_a_group_has_one_role_whatever_comes_later(project: Database, tmp_path: Path) -> None:
    import_file(project, "p", written(tmp_path / "a.jsonl", [{"text": "같은  글"}]), None)
    import_file(project, "p", written(tmp_path / "b.jsonl", [labelled("같은 글")]), "random")
    import_file(project, "p", written(tmp_path / "c.jsonl", [labelled("같은글")]), "train")
    found = documents(project)
    assert len({document.group_key for document in found}) == 1
    assert {(document.arm, document.part) for document in found} == {
        (Arm.RANDOM, part_of(found[0].group_key))
    }


def test_refused_lines_are_told_and_written_to_be_mended(project: Database, tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        [
            labelled("좋음", id="1"),
            {"id": "2", "text": "나쁨", "entities": [{"start": 0, "end": 1, "label": "XX"}]},
            {"id": "1", "text": "다른 글"},
        ],
    )
    report = import_file(project, "p", file, "train")
    assert report.added == 1
    assert {(one.line, one.reason) for one in report.refused} == {
        (2, "label not in the project: 'XX'"),
        (3, "id '1' is already that of another text"),
    }
    beside = tmp_path / "a.jsonl.refused.jsonl"
    records = [json.loads(line) for line in beside.read_text("utf-8").splitlines()]
    assert {record["id"] for record in records} == {"1", "2"}
    for record in records:
        record["id"] += "-mended"
        record.get("entities", [{}])[0]["label"] = "LC"
    mended = import_file(project, "p", written(beside, records), "train")
    assert (mended.added, mended.refused) == (2, [])


def test_many_refusals_are_written_and_not_held(project: Database, tmp_path: Path) -> None:
    many = KEPT_REFUSALS + CHUNK
    file = written(tmp_path / "a.jsonl", [{"text": ""} for _ in range(many)] + [{"text": "글"}])
    report = import_file(project, "p", file, None)
    assert (report.added, report.refused_lines, len(report.refused)) == (1, many, KEPT_REFUSALS)
    beside = tmp_path / "a.jsonl.refused.jsonl"
    assert len(beside.read_bytes().splitlines()) == many


def test_gold_is_taken_from_whichever_line_of_a_document_has_it(
    project: Database, tmp_path: Path
) -> None:
    bare = {"id": "a", "text": "글"}
    file = written(tmp_path / "a.jsonl", [bare, labelled("글", id="a"), bare])
    report = import_file(project, "p", file, "train")
    assert (report.added, report.already_there, report.with_gold) == (1, 2, 1)


def import_records(database: Database, *records: DocumentRecord) -> None:
    for chunk in chunks(records, LabelSet(tuple(LABELS))):
        with database.write() as session:
            project = session.scalars(select(Project)).one()
            import_lines(session, project.id, chunk.ready, "train")


def test_labels_that_a_file_does_not_have_are_kept_as_not_annotated(project: Database) -> None:
    entities = [Entity(0, 1, "PS")]
    import_records(
        project,
        DocumentRecord("f", 1, "가나", entities=entities, labels=("PS",)),
        DocumentRecord("f", 2, "다라", entities=entities, labels=("LC", "PS")),
        DocumentRecord("f", 3, "마바", entities=None, labels=("PS",)),  # no gold, nothing missing
        DocumentRecord("f", 4, "사아", entities=entities),
    )
    assert [one.not_annotated for one in documents(project)] == [["LC"], None, None, None]


def test_a_document_that_gets_gold_later_learns_what_that_file_lacks(project: Database) -> None:
    import_records(
        project, DocumentRecord("f", 1, "가나", "a"), DocumentRecord("f", 2, "다라", "b")
    )
    import_records(
        project,
        DocumentRecord("g", 1, "가나", "a", [Entity(0, 1, "PS")], labels=("PS",)),
        DocumentRecord("g", 2, "다라", "b", [Entity(0, 1, "PS")]),
    )
    assert [one.not_annotated for one in documents(project)] == [["LC"], None]


def test_dedupe_sets_copies_aside_and_prefers_gold(project: Database, tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        [
            {"text": "서울 간다"},
            labelled("서울\u200b간다"),
            {"text": "서울 간다."},
            labelled("서울간다"),
        ],
    )
    import_file(project, "p", file, "train")
    report = set_copies_aside(project, "p")
    plain, gold, other, second = documents(project)
    assert (plain.canonical_id, second.canonical_id) == (gold.id, gold.id)
    assert (gold.canonical_id, other.canonical_id) == (None, None)
    # what came first, and "서울 간다.", were alone: import itself has seen that
    assert (report.looked_at, report.copies, report.conflicts) == (2, 2, 0)
    assert set_copies_aside(project, "p").looked_at == 0


def test_plain_copies_are_set_aside_as_they_come_in(project: Database, tmp_path: Path) -> None:
    one = written(tmp_path / "a.jsonl", [labelled("서울 간다"), {"text": "서울간다"}])
    two = written(tmp_path / "b.jsonl", [labelled("서울  간다"), {"text": " 서울간다"}])
    assert [import_file(project, "p", file, "train").copies for file in (one, two)] == [1, 2]
    with project.read() as session:
        assert session.scalars(select(Project.copies_revision)).one() == -2  # seen by nobody
        first, *copies = session.scalars(select(Document.id).order_by(Document.id))
    assert set_copies_aside(project, "p").looked_at == 0
    assert [one.canonical_id for one in documents(project)] == [None, first, first, first]
    with project.read() as session:
        sources = [session.get_one(Gold, number).source for number in (first, *copies)]
    assert sources == [
        GoldSource.IMPORTED,
        GoldSource.COPIED,
        GoldSource.IMPORTED,
        GoldSource.COPIED,
    ]


@pytest.mark.parametrize("seed", range(6))
def test_copies_set_aside_at_once_are_those_that_dedupe_finds(
    project: Database, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    for number in range(3):
        records = [
            {
                "text": rng.choice(["가나 다", "가 나다", "라마바", "라 마바", f"홀로 {n}"]),
                "id": f"{number}-{n // rng.choice([1, 1, 2])}",
                **rng.choice(
                    [
                        {},
                        {"entities": [{"start": 0, "end": 1, "label": "PS"}]},
                        {"entities": [{"start": 0, "end": 1, "label": rng.choice(LABELS)}]},
                    ]
                ),
            }
            for n in range(8)
        ]
        file = written(tmp_path / f"{number}.jsonl", records)
        import_file(project, "p", file, "train")
        if rng.random() < 0.5:
            set_copies_aside(project, "p")
    set_copies_aside(project, "p")
    found = [(one.canonical_id, one.deduped) for one in documents(project)]
    with project.write() as session:
        session.execute(update(Document).values(deduped=False, canonical_id=None))
    set_copies_aside(project, "p")
    assert [(one.canonical_id, one.deduped) for one in documents(project)] == found


def test_dedupe_puts_a_persons_gold_above_what_was_canonical(
    project: Database, tmp_path: Path
) -> None:
    import_file(
        project, "p", written(tmp_path / "a.jsonl", [labelled("글"), labelled(" 글")]), "train"
    )
    set_copies_aside(project, "p")
    first, second = documents(project)
    assert second.canonical_id == first.id
    with project.write() as session:
        session.get_one(Gold, second.id).source = GoldSource.PERSON
        session.get_one(Document, second.id).deduped = False
    set_copies_aside(project, "p")
    first, second = documents(project)
    assert (first.canonical_id, second.canonical_id) == (second.id, None)


def test_copies_with_differing_gold_are_counted(project: Database, tmp_path: Path) -> None:
    other = {"text": "김 씨", "entities": [{"start": 0, "end": 1, "label": "LC"}]}
    import_file(project, "p", written(tmp_path / "a.jsonl", [labelled("김 씨"), other]), "train")
    assert set_copies_aside(project, "p").conflicts == 1


def test_capitals_tell_texts_apart(project: Database, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", [{"text": "LG"}, {"text": "lg"}, {"text": "ＬＧ"}])
    assert import_file(project, "p", file, None).copies == 1
    assert set_copies_aside(project, "p").looked_at == 0


def test_imported_gold_of_a_copy_replaces_what_was_copied(
    project: Database, tmp_path: Path
) -> None:
    texts = [labelled("글", id="a"), {"id": "b", "text": "글"}]
    import_file(project, "p", written(tmp_path / "a.jsonl", texts), "train")
    set_copies_aside(project, "p")
    first, second = documents(project)
    with project.read() as session:
        assert session.get_one(Gold, second.id).source == GoldSource.COPIED

    mended = {"id": "b", "text": "글", "entities": [{"start": 0, "end": 1, "label": "LC"}]}
    told = import_file(project, "p", written(tmp_path / "b.jsonl", [mended]), "train")
    assert (told.already_there, told.with_gold) == (1, 1)
    set_copies_aside(project, "p")
    with project.read() as session:
        gold = session.get_one(Gold, second.id)
        assert (gold.source, gold.entities[0]["label"]) == (GoldSource.IMPORTED, "LC")
        assert session.get_one(Gold, first.id).entities[0]["label"] == "PS"


def test_what_two_files_annotated_otherwise_is_kept_as_a_conflict(
    project: Database, tmp_path: Path
) -> None:
    agreed, otherwise = labelled("김철수 씨"), labelled("서울 시장")
    one = written(tmp_path / "train.jsonl", [agreed, otherwise])
    otherwise = {**otherwise, "entities": [{"start": 0, "end": 2, "label": "LC"}]}
    two = written(tmp_path / "dev.jsonl", [agreed, otherwise, {"text": "서울 시장"}])
    assert import_file(project, "p", one, "train").added == 2
    report = import_file(project, "p", two, "train")
    assert (report.added, report.already_there, report.with_gold) == (2, 1, 1)
    assert set_copies_aside(project, "p").conflicts == 1
    for file in (one, two):
        again = import_file(project, "p", file, "train")
        assert (again.added, again.with_gold) == (0, 0)


def test_files_of_one_name_both_come_in(project: Database, tmp_path: Path) -> None:
    files = []
    for folder, label in (("가", "PS"), ("나", "LC"), ("다", "LC")):
        (tmp_path / folder).mkdir()
        entities = [{"start": 0, "end": 3, "label": label}]
        lines = [{"text": "김철수 씨", "entities": entities}, labelled(f"홀로 {folder}")]
        files.append(written(tmp_path / folder / "train.jsonl", lines))
    added = [import_file(project, "p", file, "train").added for file in files]
    assert added == [2, 2, 1]  # the third says what the second has said
    assert set_copies_aside(project, "p").conflicts == 1
    before = documents(project)
    again = [import_file(project, "p", file, "train") for file in files]
    assert [(one.added, one.with_gold, one.other_gold) for one in again] == [(0, 0, 0)] * 3
    assert [one.external_id for one in documents(project)] == [one.external_id for one in before]


def test_a_document_that_keeps_its_gold_is_counted(project: Database, tmp_path: Path) -> None:
    one = written(tmp_path / "a.jsonl", [labelled("김 씨", id="a"), labelled("이 씨", id="b")])
    entities = [{"start": 0, "end": 1, "label": "LC"}]
    otherwise = {"id": "a", "text": "김 씨", "entities": entities}
    two = written(tmp_path / "b.jsonl", [otherwise, labelled("이 씨", id="b")])
    import_file(project, "p", one, "train")
    report = import_file(project, "p", two, "train")
    assert (report.already_there, report.with_gold, report.other_gold) == (2, 0, 1)
    twice = written(tmp_path / "c.jsonl", [labelled("박 씨", id="c"), {**otherwise, "id": "c"}])
    assert import_file(project, "p", twice, "train").refused_lines == 1  # another text
    twice = written(tmp_path / "d.jsonl", [{**otherwise, "id": "d"}, labelled("김 씨", id="d")])
    assert import_file(project, "p", twice, "train").other_gold == 1


def test_what_a_person_decided_is_not_brought_back_by_a_file(
    project: Database, tmp_path: Path
) -> None:
    one = written(tmp_path / "a.jsonl", [labelled("김철수 씨")])
    import_file(project, "p", one, "train")
    with project.write() as session:
        session.execute(update(Gold).values(source=GoldSource.PERSON, entities=[]))
    same = written(tmp_path / "b.jsonl", [labelled("김철수 씨")])
    assert import_file(project, "p", same, "train").added == 0


@pytest.mark.parametrize("place", ["_known", "insert_rows", "put_first_gold"])
def test_an_import_that_was_broken_off_goes_on_from_there(
    project: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    count = 3 * CHUNK
    file = written(tmp_path / "a.jsonl", [labelled(f"글 {n % (2 * CHUNK)}") for n in range(count)])
    whole, calls = getattr(import_documents, place), itertools.count(1)

    def interrupted(*arguments: object) -> object:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(import_documents, place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_file(project, "p", file, "train")
    assert len(documents(project)) == CHUNK  # whole chunks
    again = import_file(project, "p", file, "train")
    assert (again.added, again.already_there) == (2 * CHUNK, CHUNK)
    set_copies_aside(project, "p")
    with project.read() as session:
        assert session.scalar(select(func.count()).select_from(Gold)) == count
        assert differences(session, session.scalars(select(Project.id)).one()) == []
    assert sum(one.canonical_id is not None for one in documents(project)) == CHUNK
