"""Every kind of damage is found, and named by file, line and document."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.db.session import Database
from backend.settings import Settings
from backend.workflow.releases.card import card_of
from backend.workflow.releases.lines import with_crc
from backend.workflow.releases.manifest import digest_of, sealed
from backend.workflow.releases.sorting import FileFacts, HashedFile
from backend.workflow.releases.verify import Fault, verify_files
from tests.backend.workflow.releases import gold as made


@pytest.fixture
def folder(database: Database, settings: Settings, tmp_path: Path) -> Path:
    """A copy of a release that may be written to."""
    made.add_project(database)
    records = made.lines()
    made.import_gold(database, tmp_path, records[:60])
    made.import_gold(database, tmp_path, records[60:], "more.jsonl", gold="train")
    released = Path(made.release(database, settings).release.folder)
    copy = tmp_path / "copy"
    shutil.copytree(released, copy)
    for path in copy.iterdir():
        path.chmod(0o644)
    return copy


def faults(folder: Path) -> list[Fault]:
    found = verify_files(folder)
    assert found.wrong == len(found.faults)
    return found.faults


def test_what_was_released_has_no_fault(folder: Path) -> None:
    found = verify_files(folder)
    assert (found.wrong, found.documents) == (0, len(made.lines()))
    assert found.digest == json.loads((folder / "manifest.json").read_bytes())["digest"]


def test_a_release_of_before_there_were_seals_has_no_fault(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["seal"]
    path.write_text(json.dumps(manifest | {"goldloop_release": 1}), "utf-8")
    assert faults(folder) == []
    path.write_text(json.dumps(manifest), "utf-8")  # one that lost its seal has
    assert [fault.file for fault in faults(folder)] == ["manifest.json"]


def test_a_changed_byte_is_named_by_file_line_and_document(folder: Path) -> None:
    path = folder / "train.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    name = json.loads(lines[4])["id"]
    lines[4] = lines[4].replace("에서 ".encode(), "에서\t".encode()[:-1] + b"x", 1)
    path.write_bytes(b"".join(lines))
    told = [str(fault) for fault in faults(folder)]
    assert any(one.startswith("train.jsonl: is not what the manifest says") for one in told)
    assert any(
        one.startswith(f"train.jsonl:5: document {name!r}: the line or its provenance")
        for one in told
    )


@pytest.mark.parametrize("name", ["card.md", "card.json", "conflicts.jsonl"])
def test_a_byte_more_in_any_file_is_named(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert [fault.file for fault in faults(folder)] == [name]


def test_a_changed_byte_of_the_manifest_is_named_wherever_it_is(folder: Path) -> None:
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for at in range(0, len(whole), 23):
        changed = b"1" if whole[at : at + 1] != b"1" else b"2"
        path.write_bytes(whole[:at] + changed + whole[at + 1 :])
        told = verify_files(folder, near=False).faults
        assert "manifest.json" in {fault.file for fault in told}, whole[at - 20 : at + 20]


def test_a_changed_provenance_is_named_by_its_line(folder: Path) -> None:
    path = folder / "dev.provenance.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"in.jsonl"', b'"xx.jsonl"', 1))
    found = faults(folder)
    assert found[0].file == "dev.provenance.jsonl"
    assert (found[1].file, found[1].line) == ("dev.jsonl", 1)


def test_files_that_are_missing_or_not_ours_are_named(folder: Path) -> None:
    (folder / "card.md").unlink()
    (folder / "more.txt").write_text("x")
    assert {str(fault) for fault in faults(folder)} == {
        "card.md: is missing",
        "more.txt: is not in the manifest",
    }
    (folder / "test.jsonl").unlink()
    assert "test.jsonl: is missing" in {str(fault) for fault in faults(folder)}
    (folder / "manifest.json").write_text("{")
    assert [fault.file for fault in faults(folder)] == ["manifest.json"]


def test_wrong_counts_and_another_digest_are_named(folder: Path) -> None:
    _change_manifest(folder, lambda manifest: manifest["splits"]["dev"].update(documents=1))
    assert "says documents of dev is 1" in str(faults(folder)[0])
    _change_manifest(folder, lambda manifest: manifest.update(digest="0" * 64))
    assert "says the digest is 000" in str(faults(folder)[-1])
    _change_manifest(folder, lambda manifest: manifest["labels"].remove("PS"))
    assert "labels that are not in the label set: PS" in str(faults(folder)[0])


def test_a_manifest_that_says_other_than_the_card_is_named(folder: Path) -> None:
    _change_manifest(folder, lambda manifest: manifest.update(licence="CC0"))
    assert [str(one) for one in faults(folder)] == [
        "manifest.json: does not say what card.json says"
    ]
    _change_manifest(folder, lambda manifest: manifest["duplicates"].update(more=1))
    assert "it does not say what copies are" in str(faults(folder)[0])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda e: e.update(start=1), "is recorded where the text has"),
        (lambda e: e.update(end=999), "out of range"),
        (lambda e: e.pop("label"), "label must be a non-empty string"),
        (lambda e: e.pop("text"), "does not state its text"),
    ],
)
def test_an_entity_that_does_not_match_its_text_is_named_even_when_all_is_signed_anew(
    folder: Path, damage: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    documents = _read(folder, "dev")
    damage(documents[2]["entities"][0])
    _write(folder, "dev", documents)
    found = [fault for fault in faults(folder) if fault.line is not None]
    assert [(fault.file, fault.line, fault.document) for fault in found] == [
        ("dev.jsonl", 3, documents[2]["id"])
    ]
    assert reason in found[0].reason


def test_a_planted_copy_is_named_even_when_all_is_signed_anew(folder: Path) -> None:
    number, copied = next(  # one that has no copy of its own
        (number, one)
        for number, one in enumerate(_read(folder, "test"), start=1)
        if one["id"].startswith("d") and not one["id"].endswith("0")
    )
    planted = {**copied, "id": "zz", "text": copied["text"] + "\u200b "}
    _write(folder, "train", [*_read(folder, "train"), planted])
    found = faults(folder)
    assert len(found) == 1
    last = len(_read(folder, "train"))
    # test is read after train: its document is the one that repeats
    assert str(found[0]) == (
        f"test.jsonl:{number}: document {copied['id']!r}: a copy of train.jsonl:{last} document "
        "'zz': a group straddles train and test"
    )


def test_a_planted_near_copy_is_named_even_when_all_is_signed_anew(folder: Path) -> None:
    test = _read(folder, "test")
    planted = {**test[0], "id": "zz", "text": test[0]["text"] + "요"}
    _write(folder, "dev", [*_read(folder, "dev"), planted])
    assert verify_files(folder, near=False).wrong == 0
    found = faults(folder)
    assert len(found) == 1
    assert "nearly a copy of" in found[0].reason
    assert "straddles dev and test" in found[0].reason


def test_lines_out_of_order_or_twice_are_named(folder: Path) -> None:
    documents = _read(folder, "dev")
    _write(folder, "dev", [documents[0], documents[0], *documents[1:]])
    assert any(fault.line == 2 and "twice" in fault.reason for fault in faults(folder))
    _write(folder, "dev", [documents[1], documents[0], *documents[2:]])
    assert any(fault.line == 2 and "not in order" in fault.reason for fault in faults(folder))


def test_a_line_that_is_no_document_is_named(folder: Path) -> None:
    path = folder / "dev.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[0], lines[1] = b"{\n", b"[]\n"
    path.write_bytes(b"".join(lines))
    found = [fault for fault in faults(folder) if fault.line in (1, 2)]
    assert "not JSON" in found[0].reason
    assert "not a document" in found[1].reason
    assert all(fault.document for fault in found)  # by the provenance beside it


def _read(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").open(encoding="utf-8")]


def _write(folder: Path, split: str, documents: list[dict[str, Any]]) -> None:
    """Replace a split by somebody who knows how everything is signed."""
    lines = [
        json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        for document in documents
    ]
    beside = [
        with_crc(line, json.dumps({"id": one["id"]}, separators=(",", ":"))[:-1].encode())
        for line, one in zip(lines, documents, strict=True)
    ]
    facts: dict[str, FileFacts] = {}
    for name, its in ((f"{split}.jsonl", lines), (f"{split}.provenance.jsonl", beside)):
        (folder / name).unlink()
        file = HashedFile(folder / name)
        file.write(its)
        facts[name] = file.close()

    def sign(manifest: dict[str, Any]) -> None:
        manifest["files"].update({name: its.to_dict() for name, its in facts.items()})
        labels = [
            [entity.get("label", "?") for entity in document["entities"]] for document in documents
        ]
        manifest["splits"][split].update(
            documents=len(documents),
            entities=sum(map(len, labels)),
            without_entities=sum(not its for its in labels),
            labels={one: sum(its.count(one) for its in labels) for one in ("LC", "PS")},
            label_documents={one: sum(one in its for its in labels) for one in ("LC", "PS")},
        )
        hashes = {name: its["sha256"] for name, its in manifest["files"].items()}
        manifest["digest"] = digest_of(manifest["labels"], hashes)
        card = json.dumps(card_of(manifest)).encode()
        (folder / "card.json").write_bytes(card)
        manifest["files"]["card.json"]["sha256"] = hashlib.sha256(card).hexdigest()

    _change_manifest(folder, sign)


def _change_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_bytes(sealed(manifest))
