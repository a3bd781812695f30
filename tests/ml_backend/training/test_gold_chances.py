"""How likely gold is: by every head, in windows, in tokens, where labels were not annotated."""

import math
from typing import Any

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.model import HEADS, Model
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.windows import windows
from ml_backend.training.gold_chances import gold_chances
from tests.ml_backend.tagger.small_tokenizers import SENTENCES, encoder_folder

LABELS = LabelSet(("PER", "LOC"))
HEAD_OPTIONS: dict[str, dict[str, Any]] = {
    "span": {"max_width": 6},
    "biaffine": {"max_width": 6, "nested": True},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    return encoder_folder(tmp_path_factory.mktemp("encoder") / "bert", "bert")


def tagger_of(folder: str, head: str, unit: Any = "character") -> Tagger:
    """One of random weights: it finds much, and nothing of it is right."""
    torch.manual_seed(1)
    vocabulary = Vocabulary.of(SENTENCES, least=1)
    encoder = PretrainedEncoder.load(folder, LABELS, vocabulary, unit=unit)
    return Tagger(Model(encoder, HEADS[head](LABELS, encoder.size, **HEAD_OPTIONS.get(head, {}))))


def document(text: str, *entities: Entity, missing: frozenset[str] = frozenset()) -> GoldDocument:
    return GoldDocument("1", "1", text, sorted(entities), missing)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("unit", ["character", "token"])
def test_every_head_says_how_likely_gold_is(folder: str, head: str, unit: str) -> None:
    text = SENTENCES[0]
    gold = [document(text, Entity(0, 3, "PER"), Entity(9, 11, "LOC")), document(""), document(" ")]
    tagger = tagger_of(folder, head, unit)
    said = gold_chances(tagger, gold)
    assert [len(one.tags) for one in said] == [len(one.text) for one in gold]
    for one, document_ in zip(said, gold, strict=True):
        assert [likely.entity for likely in one.gold] == document_.entities
        assert all(0 <= tag <= 1 for tag in one.tags)
        assert 0 <= one.confidence <= 1
    read = tagger.predict([text])[0]
    assert [likely.entity for likely in said[0].found] == read.entities
    for likely in (*said[0].gold, *said[0].found):
        if likely.probability is not None:
            assert likely.probability + sum(likely.others.values()) <= 1 + 1e-5
    assert said[1].confidence == 1.0


def test_scores_count_tokens_where_they_are_the_unit(folder: str) -> None:
    for text, (prediction, scores) in zip(
        SENTENCES, tagger_of(folder, "crf", "token").score(SENTENCES), strict=True
    ):
        assert 0 < scores.characters <= len(text)
        assert len(scores.runners_up) == len(prediction.entities)
        assert math.isfinite(scores.log_probability)


def test_gold_that_cannot_be_found_is_not_doubted(folder: str) -> None:
    text = SENTENCES[0]
    inside_a_piece = Entity(1, 2, "PER")
    (in_tokens,) = gold_chances(tagger_of(folder, "crf", "token"), [document(text, inside_a_piece)])
    wide = Entity(0, 12, "LOC")
    (of_spans,) = gold_chances(tagger_of(folder, "span"), [document(text, wide)])
    assert of_spans.gold[0].probability is None
    assert set(of_spans.tags[:12]) == {1.0}
    if in_tokens.gold[0].probability is None:
        assert in_tokens.tags[1] == 1.0


def test_labels_that_nobody_looked_for_are_no_doubt(folder: str) -> None:
    text = SENTENCES[0]
    tagger = tagger_of(folder, "crf")
    every = frozenset(LABELS)
    (known,) = gold_chances(tagger, [document(text)])
    (unknown,) = gold_chances(tagger, [document(text, missing=every)])
    assert min(known.tags) < 0.9
    assert min(unknown.tags) > 1 - 1e-5
    assert unknown.found == []


def test_gold_in_an_overlap_is_judged_by_the_window_it_lies_most_inside(folder: str) -> None:
    text = (SENTENCES[0] + " ") * 40
    first, second = list(windows(0, len(text)))[:2]
    tagger = tagger_of(folder, "crf")
    early, late = Entity(second.start + 20, second.start + 23, "PER"), Entity(470, 473, "PER")
    (whole,) = gold_chances(tagger, [document(text, early, late)])
    for window, entity, likely in zip((first, second), (early, late), whole.gold, strict=True):
        moved = Entity(entity.start - window.start, entity.end - window.start, "PER")
        (alone,) = gold_chances(tagger, [document(text[window.start : window.end], moved)])
        assert likely.probability == pytest.approx(alone.gold[0].probability, abs=1e-5)
    assert len(whole.tags) == len(text)


def test_an_entity_that_a_window_cuts_is_judged_where_it_is_whole(folder: str) -> None:
    text = "가나다라 " * 200
    across = Entity(500, 520, "PER")  # the first window ends at 512, the second begins at 384
    (said,) = gold_chances(tagger_of(folder, "crf"), [document(text, across)])
    assert said.gold[0].probability is not None
    longest = Entity(300, 1000, "PER")  # longer than a window
    (unseen,) = gold_chances(tagger_of(folder, "crf"), [document(text, longest)])
    assert unseen.gold[0].probability is None
    assert set(unseen.tags[320:980]) == {1.0}
