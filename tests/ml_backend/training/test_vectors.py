"""Word vectors are read from every form in which they are published, and teach the tagger."""

import random
from pathlib import Path

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.scoring import score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.fit import fit
from ml_backend.training.vectors import VectorsError, read_vectors
from tests.ml_backend.training import vector_files

TABLE = {"서울": [0.5, -1.0, 2.0], "museum": [1.0, 0.25, 0.0], "北京": [-0.5, 3.0, 1.0]}


def files(folder: Path) -> list[Path]:
    return [
        vector_files.text(folder / "words.vec", TABLE),
        vector_files.text(folder / "words.vec.gz", TABLE),
        vector_files.text(folder / "glove.txt", TABLE, header=False),
        vector_files.binary(folder / "words.bin", TABLE),
    ]


def test_every_form_gives_the_same(tmp_path: Path) -> None:
    first, *others = (read_vectors(path, 100) for path in files(tmp_path))
    assert first.vectors.shape == (4, 3)
    for other in others:
        assert other.words.tolist() == first.words.tolist()
        assert torch.equal(other.vectors, first.vectors)


def test_no_more_than_asked_for_are_read(tmp_path: Path) -> None:
    for path in files(tmp_path):
        assert len(read_vectors(path, 2).words) == 2


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\n",
            b"one line\n",
            b"3 2\n",
            b"2 3\nword 1 2\n",
            b"2 3\nword 1 2 x\n",
            b"\x00" * 50,
        ),
        *(b"1 2\nword 1 nan\n", b"2000000000 2000000000\nword 1 2\n"),
    ],
)
def test_what_holds_no_vectors_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none.vec"
    path.write_bytes(content)
    with pytest.raises(VectorsError, match=r"none\.vec: cannot be read as word vectors: ."):
        read_vectors(path, 10)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r"gone\.vec: cannot be read"):
        read_vectors(tmp_path / "gone.vec", 10)


LABELS = LabelSet(("LOC", "PER"))
SYLLABLES = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허"


def _gold(words: dict[str, str], count: int, dice: random.Random) -> list[GoldDocument]:
    """Sentences in which the word alone says what it is."""
    documents = []
    for _ in range(count):
        word, label = dice.choice(list(words.items()))
        entities = [Entity(3, 3 + len(word), label)]
        documents.append(GoldDocument(word, word, f"어제 {word} 이야기", entities))
    return documents


def test_words_that_no_gold_holds_are_told_apart_by_their_vectors(tmp_path: Path) -> None:
    dice = random.Random(3)
    words = {"".join(dice.sample(SYLLABLES, 3)): ("LOC", "PER")[number % 2] for number in range(60)}
    table = {
        word: [dice.gauss(1.0 if label == "LOC" else -1.0, 0.3) for _ in range(8)]
        for word, label in words.items()
    }
    file = vector_files.text(tmp_path / "words.vec", table)
    seen, unseen = dict(list(words.items())[:40]), dict(list(words.items())[40:])
    train, dev, test = _gold(seen, 120, dice), _gold(seen, 20, dice), _gold(unseen, 60, dice)
    data = dataset.from_documents(train, dev, LABELS)

    def found(**options: str) -> float:
        config = TrainingConfig.from_dict(
            {"hidden": 32, "min_steps": 60, "max_steps": 60, **options}
        )
        trained = fit(data, config, seed=1, device=torch.device("cpu"), watch=lambda step: None)
        readings = Tagger(trained.model).predict([one.text for one in test])
        gold = [one.entities for one in test]
        return score(gold, [one.entities for one in readings]).micro.f1

    blind, told = found(), found(vectors=str(file))
    assert blind < 0.8  # a guess is right half of the time
    assert told > 0.95
