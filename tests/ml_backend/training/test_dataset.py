import itertools
import random
from pathlib import Path

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.dataset import (
    LEAST_DEV,
    TrainingData,
    TrainingDataError,
    load,
)

LABELS = LabelSet(("A", "B"))


def gold(name: str, text: str = "서울에서", *entities: Entity) -> GoldDocument:
    return GoldDocument(name, f"group of {name}", text, list(entities or [Entity(0, 2, "A")]))


def loaded(folder: Path, **parts: list[GoldDocument]) -> TrainingData:
    return load(folder, write_snapshot(folder, parts, LABELS))


def test_the_snapshots_own_dev_is_used_when_it_is_large_enough(tmp_path: Path) -> None:
    train = [gold(f"t{i}") for i in range(50)]
    dev = [gold(f"d{i}") for i in range(LEAST_DEV)]
    data = loaded(tmp_path, train=train, dev=dev)
    assert (data.documents, len(data.train), data.dev) == (50, 50, dev)


def test_a_tenth_of_train_stands_in_for_a_small_dev_and_is_not_trained_on(tmp_path: Path) -> None:
    train = [gold(f"t{i:04}", f"문서 {i}") for i in range(400)]
    data = loaded(tmp_path, train=train, dev=[gold("d", "개발")])
    texts = {document.text for document in data.dev}
    assert "개발" in texts
    assert 20 <= len(data.dev) <= 65
    assert not texts & {example.text for example in data.train}
    assert len(data.train) + len(data.dev) == 401
    assert loaded(tmp_path / "again", train=train, dev=[gold("d", "개발")]) == data


def test_with_hardly_any_gold_dev_is_train_itself(tmp_path: Path) -> None:
    data = loaded(tmp_path, train=[gold("only")])
    assert len(data.train) == len(data.dev) == 1


def test_a_long_document_is_learned_whole_in_pieces_that_cut_no_entity(tmp_path: Path) -> None:
    rng = random.Random(0)
    text = "".join(rng.choice("가나다라 ") for _ in range(20 * WINDOW))
    cuts = sorted(rng.sample(range(len(text)), 900))
    entities = [Entity(s, e, rng.choice("AB")) for s, e in itertools.pairwise(cuts)]
    entities += [Entity(cuts[-1], len(text), "A")]
    data = loaded(tmp_path, train=[gold("long", text, *entities)])
    assert "".join(example.text for example in data.train) == text
    back, start = [], 0
    for example in data.train:
        assert example.text
        assert len(example.text) <= WINDOW + 200
        back += [Entity(e.start + start, e.end + start, e.label) for e in example.entities]
        start += len(example.text)
    assert back == entities


def test_an_entity_longer_than_a_window_stays_in_one_piece(tmp_path: Path) -> None:
    long = Entity(100, 100 + 3 * WINDOW, "B")
    data = loaded(tmp_path, train=[gold("long", "가" * (8 * WINDOW), long)])
    assert sum(len(example.entities) for example in data.train) == 1
    assert sum(len(example.text) for example in data.train) == 8 * WINDOW


@pytest.mark.parametrize(
    ("train", "match"),
    [
        ([], "no text to train on"),
        ([GoldDocument("d1", "g", "서울", [])], "holds an entity"),
        ([gold("d7", "서울", Entity(0, 1, "C"))], "d7.*'C' is not in the label set"),
        ([gold("d8", "서울", Entity(0, 2, "A"), Entity(1, 2, "B"))], "d8.*cannot both be"),
    ],
)
def test_gold_that_cannot_be_learned_from_is_named(
    tmp_path: Path, train: list[GoldDocument], match: str
) -> None:
    with pytest.raises(TrainingDataError, match=match):
        loaded(tmp_path, train=train)


def test_pseudo_labels_weigh_less_and_copies_of_gold_are_left_out(tmp_path: Path) -> None:
    train, dev = [gold(f"t{i}") for i in range(30)], [gold(f"d{i}") for i in range(LEAST_DEV)]
    guessed = [gold("p1", "부산에서"), gold("t3"), gold("d4")]
    manifest = write_snapshot(tmp_path, {"train": train, "dev": dev, "pseudo": guessed}, LABELS)
    data = load(tmp_path, manifest, pseudo_weight=0.3)
    assert data.documents == 31
    assert [(one.text, one.weight) for one in data.train if one.weight != 1] == [("부산에서", 0.3)]
    assert data.dev == dev


def test_a_piece_knows_its_document_its_group_and_where_it_begins(tmp_path: Path) -> None:
    text = "가나 " * WINDOW
    data = loaded(tmp_path, train=[gold("long", text)])
    assert "".join(one.text for one in data.train) == text
    for one in data.train:
        assert (one.document, one.group) == ("long", "group of long")
        assert text[one.start :].startswith(one.text)
    assert len({one.start for one in data.train}) == len(data.train) > 1
