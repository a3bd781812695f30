from dataclasses import replace
from pathlib import Path

import pytest

from backend.db.session import Database
from backend.db.tables import Arm, GoldSource, Part
from backend.workflow import snapshot
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
    with pytest.raises(AssertionError, match="both in the snapshot"):
        snapshot.check_parts({"train": [one], "gate": [replace(one, id="b")]})
