"""How probable a tagger finds any entity: its own as it says itself, by every head, in windows."""

from typing import Any

import pytest
import torch

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.ensemble import LEAST, Ensemble
from ml_backend.tagger.heads import spans
from ml_backend.tagger.model import HEADS, Model
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.probabilities import probabilities
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.windows import WINDOW
from tests.ml_backend.tagger.small_tokenizers import SENTENCES, encoder_folder

LABELS = LabelSet(("PER", "LOC"))
WIDEST = 6
HEAD_OPTIONS: dict[str, dict[str, Any]] = {
    "span": {"max_width": WIDEST},
    "biaffine": {"max_width": WIDEST, "nested": True},
}
LONG = (" ".join(SENTENCES) * WINDOW)[: WINDOW + WINDOW // 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    return encoder_folder(tmp_path_factory.mktemp("encoder") / "bert", "bert")


@pytest.fixture(autouse=True)
def much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained span heads find nearly nothing."""
    monkeypatch.setattr(spans, "_NONE_AT_FIRST", 0.4)


def tagger_of(folder: str, head: str, unit: Any = "character", seed: int = 1) -> Tagger:
    """One of random weights: it finds much, and nothing of it is right."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.of(SENTENCES, least=1)
    encoder = PretrainedEncoder.load(folder, LABELS, vocabulary, unit=unit)
    return Tagger(Model(encoder, HEADS[head](LABELS, encoder.size, **HEAD_OPTIONS.get(head, {}))))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("unit", ["character", "token"])
def test_its_own_entities_are_as_probable_as_it_says(folder: str, head: str, unit: str) -> None:
    tagger = tagger_of(folder, head, unit)
    texts = [*SENTENCES, "", LONG]
    said = tagger.predict(texts)
    asked = [[entity.key for entity in reading.entities] for reading in said]
    *found, in_windows = probabilities(tagger, texts, asked)
    for reading, chances in zip(said[:-1], found, strict=True):
        assert chances == {
            entity.key: pytest.approx(entity.probability, abs=1e-4) for entity in reading.entities
        }
    assert any(found)
    assert in_windows.keys() <= set(asked[-1])
    assert 2 * len(in_windows) > len(asked[-1]), "those that an edge cut are not there"
    assert all(0 <= chance <= 1 for chance in in_windows.values())


@pytest.mark.parametrize("head", HEADS)
def test_any_entity_can_be_asked_for(folder: str, head: str) -> None:
    """A text of one character: it is one label or the other or nothing."""
    tagger = tagger_of(folder, head)
    (chances,) = probabilities(tagger, ["한"], [[(0, 1, "PER"), (0, 1, "LOC")]])
    assert set(chances) == {(0, 1, "PER"), (0, 1, "LOC")}
    (nothing,) = (reading.nothing for reading in tagger.predict(["한"]))
    assert sum(chances.values()) == pytest.approx(1 - nothing, abs=1e-4)


def test_what_it_cannot_find_is_left_out(folder: str) -> None:
    wide, the_space = (0, WIDEST + 1, "PER"), (1, 2, "PER")
    (of_spans,) = probabilities(tagger_of(folder, "span"), SENTENCES[:1], [[wide]])
    (in_tokens,) = probabilities(tagger_of(folder, "crf", "token"), ["a b"], [[the_space]])
    longer = (0, WINDOW + 1, "PER")
    (in_windows,) = probabilities(tagger_of(folder, "crf"), [LONG], [[longer]])
    assert of_spans == in_tokens == in_windows == {}


@pytest.mark.parametrize("heads", [("crf", "span", "softmax"), ("biaffine", "biaffine", "crf")])
def test_members_are_asked_what_they_think_of_the_others_entities(
    folder: str, heads: tuple[str, ...]
) -> None:
    members = [tagger_of(folder, head, seed=seed) for seed, head in enumerate(heads)]
    texts = [*SENTENCES, LONG]
    together = Ensemble(members)
    told = together.predict(texts)
    keys = [[entity.key for entity in reading.entities] for reading in told]
    each = [probabilities(member, texts, keys) for member in members]
    for number, reading in enumerate(told[: len(SENTENCES)]):
        for entity in reading.entities:
            mean = sum(one[number].get(entity.key, 0.0) for one in each) / len(members)
            assert entity.probability == pytest.approx(mean, abs=1e-4)
            assert mean > LEAST
    assert [prediction.entities for prediction, _ in together.score(texts)] == [
        reading.entities for reading in told
    ]
