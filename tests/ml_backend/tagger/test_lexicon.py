from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.encoders.pretrained import PretrainedConfig
from ml_backend.tagger.features import read
from ml_backend.tagger.lexicon import Lexicon, LexiconFeatures
from ml_backend.tagger.surfaces import LONGEST
from ml_backend.tagger.word_vectors import WordVectors
from tests.ml_backend.tagger.gold_texts import LABELS, gold_texts

PER, LOC = 0, 1
FIRST, MIDDLE, LAST, ALONE = range(4)


def roles(lexicon: Lexicon, text: str, own: list[Entity] | None = None) -> np.ndarray:
    """(chars, roles, labels): the best share of each label in each role."""
    matched = lexicon.match(read([text]), None if own is None else [own], LABELS)
    labels = lexicon.counts.shape[1] + lexicon.listed.shape[1]
    return matched[:, : 4 * labels].reshape(len(text), 4, labels)


def test_a_surface_tells_its_characters_their_roles() -> None:
    texts = ["대구시는", "대구시", "구"]
    gold = [[Entity(0, 3, "LOC")], [Entity(0, 3, "LOC")], [Entity(0, 1, "PER")]]
    found = roles(Lexicon.of(texts, gold, LABELS), "새 대구시에")
    share = 2 / 2.5
    assert np.isclose(found[2, FIRST, LOC], share)
    assert np.isclose(found[3, MIDDLE, LOC], share)
    assert np.isclose(found[4, LAST, LOC], share)
    assert np.isclose(found[3, ALONE, PER], 1 / 3.5)  # once an entity of three times seen
    assert np.count_nonzero(found) == 4


def test_the_longest_likely_surface_is_told_apart() -> None:
    texts = ["서울", "서울대"]
    gold = [[Entity(0, 2, "LOC")], [Entity(0, 3, "PER")]]
    lexicon = Lexicon.of(texts, gold, LABELS)
    longest = lexicon.match(read(["서울대"]))[:, 8:]
    assert np.isclose(longest[:, PER], 1 / 1.5).all()
    assert not longest[:, LOC].any()
    assert longest[:, 2:6].argmax(1).tolist() == [FIRST, MIDDLE, LAST]
    assert np.allclose(longest[:, 6], 3 / LONGEST)


@given(gold_texts())
def test_a_text_is_left_out_as_if_it_had_never_been_counted(
    sample: tuple[list[str], list[list[Entity]]],
) -> None:
    texts, gold = sample
    whole, without = Lexicon.of(texts, gold, LABELS), Lexicon.of(texts[1:], gold[1:], LABELS)
    row = read(texts[:1])
    assert np.allclose(whole.match(row, gold[:1], LABELS), without.match(row), atol=1e-6)


@given(st.lists(st.text(alphabet="가나다", min_size=1, max_size=4), min_size=1, max_size=4))
def test_leaving_out_never_makes_a_share_negative_for_other_gold(words: list[str]) -> None:
    lexicon = Lexicon.of(["가나"], [[Entity(0, 2, "LOC")]], LABELS)
    text = "".join(words)
    swapped = [Entity(0, len(words[0]), "PER")]  # gold that was never counted
    assert (lexicon.match(read([text]), [swapped], LABELS) >= 0).all()


def test_a_gazetteer_adds_surfaces_of_any_label() -> None:
    gazetteer = [("부산", "도시"), ("부산", "항구"), ("가" * (LONGEST + 1), "도시"), ("", "도시")]
    lexicon = Lexicon.of(["서울"], [[Entity(0, 2, "LOC")]], LABELS, gazetteer)
    assert len(lexicon.surfaces) == 2
    found = roles(lexicon, "부산 서울")
    city, harbour = 2, 3  # after the labels of the gold
    assert found[0, FIRST, [city, harbour]].tolist() == [1, 1]
    assert found[0, FIRST, [PER, LOC]].tolist() == [0, 0]
    assert np.isclose(found[3, FIRST, LOC], 1 / 1.5)
    # a gazetteer is not left out
    assert roles(lexicon, "부산", [])[0, FIRST, city] == 1


def test_either_part_can_do_without_the_other() -> None:
    texts, gold = ["서울"], [[Entity(0, 2, "LOC")]]
    assert Lexicon.made(texts, gold, LABELS, own=False, gazetteer=()) is None
    listed = Lexicon.made(texts, gold, LABELS, own=False, gazetteer=[("부산", "도시")])
    assert listed is not None
    assert listed.counts.shape == (2, 0)
    assert not listed.match(read(["서울"]), gold, LABELS).any()
    assert listed.match(read(["부산"])).any()


def test_digits_are_alike() -> None:
    lexicon = Lexicon.of(["12월"], [[Entity(0, 3, "LOC")]], LABELS)
    assert roles(lexicon, "34월")[0, FIRST, LOC] > 0


def test_the_lexicon_survives_in_the_module() -> None:
    lexicon = Lexicon.of(["서울"], [[Entity(0, 2, "LOC")]], LABELS, [("부산", "도시")])
    words = WordVectors.of(["부산"], np.ones((1, 3), np.float32))
    for held, size in ((lexicon, 5), (replace(lexicon, words=words), 5 + 4)):
        sizes = PretrainedConfig(tuple(LABELS), **held.sizes(), lexicon_size=5, words_size=4)
        features = LexiconFeatures(sizes).eval()
        features.hold(held)
        matched = held.match(read(["서울 부산"]))
        assert np.array_equal(features.lexicon().match(read(["서울 부산"])), matched)
        assert features(torch.from_numpy(matched).unsqueeze(0)).shape == (1, 5, size)


def test_nothing_known_matches_nothing() -> None:
    lexicon = Lexicon.of(["서울"], [[]], LABELS)
    assert lexicon.match(read(["서울"])).shape == (2, lexicon.width)
    assert not lexicon.match(read(["서울"])).any()
