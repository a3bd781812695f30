"""What goes into a release, under which name, and what vouches for it."""

import json
import random
import tracemalloc
from pathlib import Path

import pytest

from backend.db.session import Database, connect
from backend.db.tables import Gold, GoldSource, Part, Project, now
from backend.db.tables_of_autolabel import AutolabelChange, Promise, PromiseState
from backend.db.tables_of_labels import Adjudication, LabelMapping
from backend.errors import InvalidInputError
from backend.settings import Settings
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.moves import accept, reject
from backend.workflow.autolabels.store import store
from backend.workflow.autolabels.undo import undo
from backend.workflow.release import ReleaseError
from backend.workflow.releases.content import SPLITS
from backend.workflow.releases.filters import Filters
from backend.workflow.releases.manifest import read_manifest
from backend.workflow.releases.read import released_documents
from tests.backend.workflow.releases import gold as made


@pytest.fixture
def filled(any_database: Database, tmp_path: Path) -> Database:
    made.add_project(any_database)
    made.import_gold(any_database, tmp_path, made.lines())
    return any_database


def test_the_same_gold_has_the_same_digest_whatever_the_database_and_the_order(
    database: Database, postgresql_url: str, settings: Settings, tmp_path: Path
) -> None:
    digests, bytes_of_splits = set(), set()
    for number, opened in enumerate((database, connect(postgresql_url))):
        records = made.lines()
        random.Random(number).shuffle(records)
        made.add_project(opened)
        its = settings.model_copy(update={"goldloop_home": tmp_path / f"home-{number}"})
        for part in (records[:50], records[50:]):
            made.import_gold(opened, tmp_path, part)
        release = made.release(opened, its).release
        digests.add(release.digest)
        bytes_of_splits.add(
            tuple((Path(release.folder) / f"{split}.jsonl").read_bytes() for split in SPLITS)
        )
    assert len(digests) == len(bytes_of_splits) == 1


def test_what_was_released_imports_again_to_the_same_gold(
    filled: Database, database: Database, settings: Settings, tmp_path: Path, postgresql_url: str
) -> None:
    first = made.release(filled, settings).release
    again = connect(postgresql_url) if filled is database else database
    if again.engine.url == filled.engine.url:
        pytest.fail("the second database must be another")
    made.add_project(again)
    for split in SPLITS:
        records = map(json.loads, (Path(first.folder) / f"{split}.jsonl").open(encoding="utf-8"))
        made.import_gold(again, tmp_path, records, f"{split}-again.jsonl")
    other = settings.model_copy(update={"goldloop_home": tmp_path / "again"})
    assert made.release(again, other).release.digest == first.digest


def test_a_line_holds_text_entities_and_the_documents_own_data(
    filled: Database, settings: Settings
) -> None:
    folder = Path(made.release(filled, settings).release.folder)
    documents = list(released_documents(folder))
    assert [one.id for one in documents] == sorted(one["id"] for one in made.lines())
    first = next(one for one in documents if one.id == "d0001")
    assert list(first.record) == ["id", "text", "entities", "meta"]
    assert first.record["meta"] == {"n": 1}
    for one in documents:
        for entity in one.record["entities"]:
            assert one.record["text"][entity["start"] : entity["end"]] == entity["text"]


def test_a_group_of_copies_and_near_copies_is_in_one_split(
    filled: Database, settings: Settings, tmp_path: Path
) -> None:
    near = {**made.lines()[1], "id": "near"}
    near["text"] = near["text"][:-1] + "끝"
    made.import_gold(filled, tmp_path, [near], "near.jsonl", gold="train")
    folder = Path(made.release(filled, settings).release.folder)
    secret = made.split_of(folder, near["id"])
    assert made.split_of(folder, made.lines()[1]["id"]) == secret != "train"
    key = made.provenance_of(folder, "near")["near"]
    assert made.provenance_of(folder, made.lines()[1]["id"])["near"] == key

    with filled.write() as session:  # what should not be: roles of a group that differ
        made.document(session, "near").part = Part.TRAIN
        made.document(session, "copy-0").part = Part.TRAIN
    again = Path(made.release(filled, settings).release.folder)
    assert again == folder  # the roles are the group's, so nothing has changed


def test_provenance_names_who_vouches(filled: Database, settings: Settings) -> None:
    with filled.write() as session:
        project = session.query(Project).one()
        one, other = (made.add_account(session, f"{name}@example.com") for name in ("one", "other"))
        entities = [{"start": 0, "end": 3, "label": "PS"}]
        made.annotate(session, "d0001", one, entities, number=1, becomes_gold=True, version="v1")
        made.annotate(session, "d0002", one, entities, number=2)
        made.annotate(session, "d0002", other, [], number=3)
        decided, ruled = (made.document(session, name) for name in ("d0002", "d0003"))
        decision = Adjudication(
            project_id=project.id,
            group_key=decided.group_key,
            document_id=decided.id,
            entities=entities,
            made_by="curator@example.com",
            reason="이름만",
        )
        version = made.add_version(session, project.id, "v2")
        promise = Promise(
            project_id=project.id,
            version_id=version.id,
            p=0.95,
            delta=0.05,
            threshold=0.9,
            state=PromiseState.IN_FORCE,
            signed_by="curator@example.com",
        )
        session.add_all([decision, promise])
        session.flush()
        gold = session.get_one(Gold, decided.id)
        gold.source, gold.entities = GoldSource.DECISION, entities
        gold.adjudication_id = decision.id
        gold = session.get_one(Gold, ruled.id)
        gold.source, gold.promise_id, gold.version_name = GoldSource.RULE, promise.id, "v2"
        copied = made.document(session, "copy-10")
        session.get_one(Gold, copied.id).source = GoldSource.COPIED
        project.gold_revision += 1
    made_ = made.release(filled, settings).release
    folder = Path(made_.folder)
    told = {name: made.provenance_of(folder, name) for name in ("d0001", "d0002", "d0003")}
    for record in told.values():
        record.pop("crc")
    assert told["d0001"] == {
        "id": "d0001",
        "source": "person",
        "annotator": "one@example.com",
        "version": "v1",
        "people": 1,
        "agreement": 1.0,
    }
    assert told["d0002"] == {
        "id": "d0002",
        "source": "decision",
        "decided_by": "curator@example.com",
        "people": 2,
        "agreement": 0.5,
        "decided_on": "d0002",
        "reason": "이름만",
    }
    assert told["d0003"] == {
        "id": "d0003",
        "source": "rule",
        "p": 0.95,
        "delta": 0.05,
        "version": "v2",
    }
    copied_record = made.provenance_of(folder, "copy-10")
    assert (copied_record["source"], copied_record["from"]) == ("copied", "imported")
    assert (copied_record["copy_of"], copied_record["file"]) == ("d0010", "in.jsonl")
    counts = read_manifest(folder)["counts"]
    assert counts["sources"]["imported"]["documents"] == len(made.lines()) - 4
    assert list(counts["rules"]) == ["v2, p = 0.95, δ = 0.05"]
    card = (folder / "card.md").read_text("utf-8")
    assert "v2, p = 0.95, δ = 0.05" in card
    assert "one@example.com" in card
    assert "1 documents were annotated by several people" in card


def test_a_copy_that_reads_otherwise_is_agreed_upon_as_its_original_is(
    filled: Database, settings: Settings
) -> None:
    with filled.write() as session:
        one, other = (made.add_account(session, f"{name}@example.com") for name in ("one", "other"))
        original, copied = (made.document(session, name) for name in ("d0010", "copy-10"))
        copied.text = f"  {original.text}"
        entities = [{"start": 0, "end": 3, "label": "PS"}]
        made.annotate(session, "d0010", one, entities, number=1, becomes_gold=True)
        made.annotate(session, "d0010", other, [], number=2)
        session.delete(session.get_one(Gold, copied.id))
    filters = Filters(min_agreement=0.5)
    folder = Path(made.release(filled, settings, filters=filters).release.folder)
    told = [made.provenance_of(folder, name) for name in ("d0010", "copy-10")]
    assert [its["source"] for its in told] == ["person", "copied"]
    assert [(its["people"], its["agreement"]) for its in told] == [(2, 0.5), (2, 0.5)]


def test_who_accepted_a_prediction_is_named_without_an_account_too(
    filled: Database, settings: Settings
) -> None:
    with filled.write() as session:
        project = session.query(Project).one()
        version = made.add_version(session, project.id, "v1")
        original, copied = (made.document(session, name) for name in ("d0010", "copy-10"))
        original.part = copied.part = Part.TRAIN
        for one in (original, copied):
            session.delete(session.get_one(Gold, one.id))
        session.flush()
        said = [{"start": 0, "end": 3, "label": "PS", "probability": 0.9}]
        store(session, project, version, None, [Proposal(original.id, said, 0.9)], "run 1", now())
        accept(session, project, [original.id], "command line", now())
        reject(session, project, [original.id], "somebody", now())
        last = session.query(AutolabelChange).order_by(AutolabelChange.id.desc()).first()
        undo(session, project, last.id, last.id, "somebody else", now())
    folder = Path(made.release(filled, settings).release.folder)
    for name, source in (("d0010", "person"), ("copy-10", "copied")):
        told = made.provenance_of(folder, name)
        assert (told["source"], told["annotator"], told["version"]) == (
            source,
            "command line",
            "v1",
        )


def test_a_mapping_is_applied_and_the_digest_names_what_comes_of_it(
    filled: Database, settings: Settings
) -> None:
    before = made.release(filled, settings).release
    with filled.write() as session:
        project = session.query(Project).one()
        session.add(
            LabelMapping(
                project_id=project.id,
                number=1,
                mapping={"PS": "PERSON"},
                names={"PS": "PERSON"},
                made_by="curator@example.com",
            )
        )
    after = made.release(filled, settings).release
    manifest = read_manifest(Path(after.folder))
    assert after.digest != before.digest
    assert manifest["labels"] == ["DT", "LC", "PERSON"]
    assert manifest["mapping"] == {"PS": "PERSON"}
    labels = {
        e["label"] for d in released_documents(Path(after.folder)) for e in d.record["entities"]
    }
    assert labels == {"PERSON", "LC"}


def test_labels_that_a_split_lacks_and_that_training_leaves_out_are_named(
    any_database: Database, settings: Settings, tmp_path: Path
) -> None:
    made.add_project(any_database, min_support=200)
    made.import_gold(any_database, tmp_path, made.lines())
    folder = Path(made.release(any_database, settings).release.folder)
    manifest = read_manifest(folder)
    assert manifest["left_out"] == ["DT", "LC", "PS"]
    assert manifest["lacking"]["dev"] == ["DT"]
    assert manifest["lacking"]["train"] == ["DT", "LC", "PS"]
    card = json.loads((folder / "card.json").read_bytes())
    assert "labels without any entity: DT" in card["known_gaps"]
    assert any(gap.startswith("no document in: train") for gap in card["known_gaps"])


def test_conflicts_that_nobody_decided_are_left_open(filled: Database, settings: Settings) -> None:
    with filled.write() as session:
        session.query(Project).one().gold_revision += 1
        session.get_one(Gold, made.document(session, "copy-0").id).entities = []
    folder = Path(made.release(filled, settings).release.folder)
    assert read_manifest(folder)["conflicts"] == {"exact": 1, "near": 0}
    conflict = json.loads((folder / "conflicts.jsonl").read_bytes())
    assert {one for way in conflict["variants"] for one in way["documents"]} == {"d0000", "copy-0"}
    assert "1 groups of exact copies are labelled differently" in (folder / "card.md").read_text()


def test_filters_take_peoples_gold_agreed_gold_labels_and_days(
    filled: Database, settings: Settings
) -> None:
    with filled.write() as session:
        one, other = (made.add_account(session, f"{name}@example.com") for name in ("one", "other"))
        entities = [{"start": 0, "end": 3, "label": "PS"}]
        made.annotate(session, "d0001", one, entities, number=1, becomes_gold=True)
        made.annotate(session, "d0002", one, entities, number=2, becomes_gold=True)
        made.annotate(session, "d0002", other, [], number=3)
        old = session.get_one(Gold, made.document(session, "d0003").id)
        old.updated_at = old.updated_at.replace(year=2001)

    def names(**given: object) -> set[str]:
        filters = Filters.model_validate(given)
        found = made.release(filled, settings, filters=filters).release
        assert found.filters == filters.to_dict()
        assert read_manifest(Path(found.folder))["filters"] == filters.to_dict()
        return {one.id for one in released_documents(Path(found.folder))}

    assert names(people_only=True) == {"d0001", "d0002"}
    assert names(min_agreement=0.5) == {"d0001", "d0002"}
    assert names(min_agreement=0.6) == {"d0001"}
    assert names(until="2002-01-01") == {"d0003"}
    assert len(names(since="2002-01-01")) == len(made.lines()) - 1
    with pytest.raises(InvalidInputError, match="'XX'"):
        made.release(filled, settings, filters=Filters(labels=("XX",)))
    with pytest.raises(InvalidInputError, match="no gold"):
        made.release(filled, settings, filters=Filters.model_validate({"until": "1999-01-01"}))


def test_labels_that_are_not_taken_are_not_annotated(filled: Database, settings: Settings) -> None:
    folder = Path(made.release(filled, settings, filters=Filters(labels=("LC",))).release.folder)
    documents = list(released_documents(folder))
    assert {e["label"] for one in documents for e in one.record["entities"]} == {"LC"}
    assert all(one.record["not_annotated"] == ["DT", "PS"] for one in documents)
    counts = read_manifest(folder)["counts"]
    assert counts["not_annotated"] == {"DT": len(documents), "PS": len(documents)}
    assert counts["entities_left_out"] == {"PS": len(documents)}


def test_what_a_file_did_not_annotate_is_said_of_its_documents_alone(
    filled: Database, settings: Settings
) -> None:
    with filled.write() as session:
        made.document(session, "d0001").not_annotated = ["DT"]
    folder = Path(made.release(filled, settings).release.folder)
    silent = {
        one.id: one.record["not_annotated"]
        for one in released_documents(folder)
        if "not_annotated" in one.record
    }
    assert silent == {"d0001": ["DT"]}


def test_gold_that_does_not_fit_its_text_stops_the_release(
    filled: Database, settings: Settings
) -> None:
    with filled.write() as session:
        its = session.get_one(Gold, made.document(session, "d0007").id)
        its.entities = [{"start": 0, "end": 999, "label": "PS"}]
    with pytest.raises(ReleaseError, match=r"'d0007'.*out of range"):
        made.release(filled, settings)
    assert list((settings.releases / "p").glob("[!.]*")) == []


def test_memory_does_not_grow_with_the_gold(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.workflow.releases.sorting.RUN", 2**20)
    made.add_project(database)
    text = "가나다라마바사" * 300
    records = [
        {"id": f"{9999 - number}", "text": f"{text}{number}", "entities": []}
        for number in range(5000)
    ]
    made.import_gold(database, tmp_path, records, gold="train")
    monkeypatch.setattr("backend.loop.releases.find_near", lambda *given: True)
    tracemalloc.start()
    folder = Path(made.release(database, settings).release.folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (folder / "train.jsonl").stat().st_size > 30_000_000
    assert peak < 20_000_000
    assert [one.id for one in released_documents(folder)] == sorted(r["id"] for r in records)
