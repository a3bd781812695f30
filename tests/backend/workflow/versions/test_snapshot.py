from dataclasses import replace
from pathlib import Path

import pytest

from backend.db.gold import NewGold, put_gold
from backend.db.session import Database
from backend.db.tables import Arm, Gold, GoldSource, Part, Version, now
from backend.db.tables_of_autolabel import Autolabel
from backend.db.tables_of_labels import LabelMapping
from backend.workflow.versions import snapshot
from ml_backend.contract.snapshot import GoldDocument, read_manifest, read_part
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_trainable


def test_the_snapshot_holds_each_group_once_and_in_one_part(any_database: Database, tmp_path: Path):
    texts = [f"글 {number}" for number in range(20)]
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, [*texts, texts[0], texts[1], texts[2]])
        for document in documents[:20]:
            add_gold(session, document, source=GoldSource.IMPORTED, label="PS")
        for document, part in zip(
            documents[2:6], (Part.DEV, Part.GATE, Part.CERTIFY, Part.TEST), strict=True
        ):
            document.part, document.arm = part, Arm.RANDOM
        add_gold(session, documents[20], label="LC")  # a person's, on the copy of document 0
        add_gold(session, documents[21], source=GoldSource.IMPORTED, label="LC")
        add_gold(session, documents[22], label="LC")  # the copy of a dev document
        frozen = snapshot.freeze(session, project, tmp_path)

    parts = {part: list(read_part(tmp_path, part)) for part in ("train", "dev", "gate")}
    assert read_manifest(tmp_path).digest == frozen.manifest.digest
    assert frozen.gold_revision == project.gold_revision
    assert {part: len(held) for part, held in parts.items()} == {"train": 16, "dev": 1, "gate": 1}
    groups = [document.group for held in parts.values() for document in held]
    assert len(groups) == len(set(groups))
    by_text = {document.text: document for held in parts.values() for document in held}
    assert by_text[texts[0]].entities[0].label == "LC"  # the person's rather than the imported
    assert by_text[texts[1]].entities[0].label == "PS"  # the canonical rather than the copy
    assert by_text[texts[2]] in parts["dev"]
    assert not {texts[4], texts[5]} & by_text.keys()


def test_the_same_gold_gives_the_same_digest_on_any_database(
    any_database: Database, tmp_path: Path
):
    with any_database.write() as session:
        project = add_project(session)
        add_trainable(session, project)
        digest = snapshot.freeze(session, project, tmp_path / "a").manifest.digest
        assert snapshot.freeze(session, project, tmp_path / "b").manifest.digest == digest
        add_gold(session, *add_documents(session, project, ["새 글"]), label="LC")
        assert snapshot.freeze(session, project, tmp_path / "c").manifest.digest != digest
    assert digest == "aa8c73b1631721b1ec473196463bb280751eb709329e2fd0802163b6edea27ae"


def test_a_label_that_the_project_dropped_is_left_out(database: Database, tmp_path: Path):
    with database.write() as session:
        project = add_project(session)
        add_trainable(session, project)
        project.labels = ["LC"]
        snapshot.freeze(session, project, tmp_path)
    assert all(not document.entities for document in read_part(tmp_path, "train"))


def test_a_group_in_two_parts_stops_everything():
    one = GoldDocument("a", "g", "text", [])
    held_out: dict[str, str] = {}
    assert list(snapshot.kept_apart(Part.GATE, [one], held_out)) == [one]
    with pytest.raises(AssertionError, match="both in the snapshot"):
        list(snapshot.kept_apart(Part.TRAIN, [replace(one, id="b")], held_out))


def test_gold_is_frozen_under_the_rules_of_labels(any_database: Database, tmp_path: Path):
    with any_database.write() as session:
        project = add_project(session)
        project.labels = ["PS", "LC", "OG", "PERSON"]
        texts = ["가나다", "라마바", "사아자", "차카타", "파하하"]
        documents = add_documents(session, project, texts)
        labelled = ["PS", "PERSON", "OG", "LC"]
        golds = [
            NewGold(
                document.id,
                [
                    {"start": n, "end": n + 1, "label": label}
                    for n, label in enumerate(labelled[:2] if row else labelled[2:])
                ],
                GoldSource.IMPORTED,
                row + 1,
                now(),
            )
            for row, document in enumerate(documents)
        ]
        put_gold(session, project, golds)
        project.gold_revision = len(golds)
        documents[1].not_annotated = ["OG"]
        session.add(
            LabelMapping(
                project_id=project.id,
                number=1,
                mapping={"PS": "PERSON", "OG": "LC"},
                names={"PS": "PERSON"},
                made_by="a test",
            )
        )
        project.settings = {"min_support": 2}
        session.flush()
        frozen = snapshot.freeze(session, project, tmp_path / "merged")
        project.settings = {"min_support": 3}
        left_out = snapshot.freeze(session, project, tmp_path / "left out")

    assert frozen.manifest.labels.labels == ("PERSON", "LC")
    assert frozen.manifest.mapping == {"PS": "PERSON", "OG": "LC"}
    first, second = list(read_part(tmp_path / "merged", "train"))[:2]
    assert [entity.label for entity in first.entities] == ["LC", "LC"]
    assert [entity.label for entity in second.entities] == ["PERSON", "PERSON"]
    assert (first.missing, second.missing) == (frozenset(), {"LC"})  # a part of it was not

    manifest = read_manifest(tmp_path / "left out")
    assert (manifest.labels.labels, manifest.left_out) == (("PERSON",), {"LC": 2})
    first, second = list(read_part(tmp_path / "left out", "train"))[:2]
    assert (first.entities, second.missing) == ([], frozenset())
    assert left_out.manifest.digest != frozen.manifest.digest


def test_what_a_version_labelled_is_learned_from_and_judges_nobody(
    database: Database, tmp_path: Path
):
    with database.write() as session:
        project = add_project(session)
        learned, judging = add_documents(session, project, ["가나다", "라마바"])
        labels = {"trained": ["PS"], "mapping": {}, "left_out": {"LC": 3}}
        session.add(Version(project_id=project.id, name="v1", figures={"labels": labels}))
        for document, part in ((learned, Part.TRAIN), (judging, Part.GATE)):
            add_gold(session, document, source=GoldSource.RULE, part=part).version_name = "v1"
        session.flush()
        snapshot.freeze(session, project, tmp_path)
    (found,) = read_part(tmp_path, "train")
    assert (found.text, found.missing) == ("가나다", {"LC"})  # which the version did not know
    assert list(read_part(tmp_path, "gate")) == []


def test_what_the_champion_is_sure_of_teaches_where_the_project_wants_it(
    any_database: Database, tmp_path: Path
):
    with any_database.write() as session:
        project = add_project(session)
        texts = [f"문서 {number}번" for number in range(8)]
        learned, other, sure, surer, unsure, secret, near, copy = add_documents(
            session, project, texts
        )
        for document in (learned, other):
            add_gold(session, document, part=Part.TRAIN)
        labels = {"trained": ["PS"], "mapping": {}, "left_out": {"LC": 3}}
        version = Version(project_id=project.id, name="v1", figures={"labels": labels})
        session.add(version)
        secret.part, secret.near_id, near.near_id = Part.TEST, secret.id, secret.id
        copy.canonical_id = sure.id
        session.flush()
        project.champion_id = version.id
        confidences = {sure: 0.95, surer: 0.99, unsure: 0.5, secret: 1.0, near: 1.0, copy: 1.0}
        for document, confidence in confidences.items():
            session.add(
                Autolabel(
                    document_id=document.id,
                    project_id=project.id,
                    version_id=version.id,
                    entities=[{"start": 0, "end": 2, "label": "PS"}],
                    confidence=confidence,
                    changed_by="run 1",
                )
            )
        session.flush()
        none = snapshot.freeze(session, project, tmp_path / "none")
        project.settings = {**project.settings, "pseudo_confidence": 0.9}
        some = snapshot.freeze(session, project, tmp_path / "some")
        session.delete(session.get_one(Gold, other.id))
        session.flush()
        snapshot.freeze(session, project, tmp_path / "few")
    assert "pseudo" not in none.manifest.counts
    assert some.manifest.counts["pseudo"] == 2
    first, second = read_part(tmp_path / "some", "pseudo")
    assert [first.text, second.text] == [surer.text, sure.text]
    assert (first.missing, [one.label for one in first.entities]) == ({"LC"}, ["PS"])
    (only,) = read_part(tmp_path / "few", "pseudo")  # no more than there is gold
    assert only.text == surer.text


def test_no_label_with_enough_gold_is_a_sentence(database: Database, tmp_path: Path):
    with database.write() as session:
        project = add_project(session, min_support=50)
        add_trainable(session, project)
        with pytest.raises(snapshot.NothingToTrainError, match="the 50 gold entities it needs"):
            snapshot.freeze(session, project, tmp_path)


def test_near_copies_stand_in_one_part_under_one_name(any_database: Database, tmp_path: Path):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, [f"글 {number}" for number in range(30)])
        for document in documents:
            add_gold(session, document)
        for document in documents[:4]:
            document.near_id = documents[0].id
        for document in documents[4:6]:
            document.near_id = documents[4].id
        documents[2].part, documents[1].part = Part.GATE, Part.TRAIN  # became near later
        documents[5].part = Part.TEST
        snapshot.freeze(session, project, tmp_path)
    parts = {part: list(read_part(tmp_path, part)) for part in ("train", "dev", "gate")}
    assert {document.text for document in parts["gate"]} == {f"글 {number}" for number in range(4)}
    assert {document.group for document in parts["gate"]} == {
        min(document.group_key for document in documents[:4])
    }
    assert {document.text for document in parts["train"]} == {
        f"글 {number}" for number in range(6, 30)
    }
