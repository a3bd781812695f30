import json

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, read_manifest, read_part, write_snapshot

DOCUMENT = GoldDocument(
    "a", "g", "text of six", [Entity(0, 4, "A"), Entity(5, 7, "B")], frozenset("B")
)


def test_what_was_not_annotated_comes_back(tmp_path):
    write_snapshot(tmp_path, {"train": [DOCUMENT]}, LabelSet(("A", "B")))
    assert list(read_part(tmp_path, "train")) == [DOCUMENT]


def test_of_a_label_that_was_not_annotated_only_what_gold_holds_is_judged():
    right, unsure, wrong = Entity(5, 7, "B"), Entity(8, 11, "B"), Entity(8, 11, "A")
    assert DOCUMENT.judged([right, unsure, wrong]) == [right, wrong]
    everything = GoldDocument("a", "g", DOCUMENT.text, DOCUMENT.entities)
    assert everything.judged([right, unsure]) == [right, unsure]


def test_the_manifest_says_where_its_labels_come_from_and_is_named_by_what_is_trained_on(tmp_path):
    plain = write_snapshot(tmp_path / "plain", {"train": [DOCUMENT]}, LabelSet(("A", "B")))
    mapped = write_snapshot(
        tmp_path / "mapped",
        {"train": [DOCUMENT]},
        LabelSet(("A", "B")),
        mapping={"C": "A"},
        left_out={"D": 3},
    )
    read = read_manifest(tmp_path / "mapped")
    assert read == mapped
    assert (read.mapping, read.left_out) == ({"C": "A"}, {"D": 3})
    assert read.digest == plain.digest


def test_a_manifest_of_before_there_were_mappings_is_read(tmp_path):
    write_snapshot(tmp_path, {"train": [DOCUMENT]}, LabelSet(("A", "B")))
    record = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    del record["mapping"], record["left_out"]
    (tmp_path / "manifest.json").write_text(json.dumps(record), "utf-8")
    assert read_manifest(tmp_path).mapping == {}
