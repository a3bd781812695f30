"""Vectors of the words over each character, set against what a plain loop finds."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.tagger.features import read
from ml_backend.tagger.surfaces import LONGEST, ROLES
from ml_backend.tagger.word_vectors import WordVectors

WORDS = ["서울", "서울대", "대", "학", "대학교"]
FIRST, MIDDLE, LAST, ALONE = range(ROLES)
TABLE = np.random.default_rng(5).normal(size=(len(WORDS), 3)).astype(np.float32)
KNOWN = WordVectors.of(WORDS, TABLE)


def told(text: str, known: WordVectors = KNOWN) -> np.ndarray:
    """(chars, roles, size)"""
    return known.match(read([text])).reshape(len(text), ROLES, known.size)


def vector(word: str) -> np.ndarray:
    return TABLE[WORDS.index(word)] / np.sqrt(np.square(TABLE).mean()) / 2


def by_hand(text: str) -> np.ndarray:
    over: dict[tuple[int, int], list[np.ndarray]] = {}
    for word in WORDS:
        for start in range(len(text) - len(word) + 1):
            if text[start : start + len(word)] == word:
                for offset in range(len(word)):
                    inner = FIRST if offset == 0 else LAST if offset == len(word) - 1 else MIDDLE
                    role = ALONE if len(word) == 1 else inner
                    over.setdefault((start + offset, role), []).append(vector(word))
    found = np.zeros((len(text), ROLES, KNOWN.size))
    for slot, vectors in over.items():
        found[slot] = np.mean(vectors, axis=0)
    return found


@given(st.text(alphabet="서울대학교 ", min_size=1, max_size=12))
def test_a_character_is_told_the_mean_of_its_words_in_each_role(text: str) -> None:
    assert np.allclose(told(text), by_hand(text), atol=5e-3)  # half precision


def test_texts_of_a_batch_share_no_word() -> None:
    apart = KNOWN.match(read(["서", "울"]))
    assert not apart.any()


def test_words_that_read_alike_have_the_first_ones_vector() -> None:
    known = WordVectors.of(["Seoul", "seoul", "가" * (LONGEST + 1), ""], TABLE[:4])
    assert len(known.words) == 1
    first = TABLE[0] / np.sqrt(np.square(TABLE[0]).mean()) / 2
    assert np.allclose(told("SEOUL", known)[0, FIRST], first, atol=5e-3)


def test_a_vector_of_zeros_and_an_empty_file_tell_nothing() -> None:
    assert not told("서울", WordVectors.of(["서울"], np.zeros((1, 3), np.float32))).any()
    assert not told("서울", WordVectors.of([], np.zeros((0, 3), np.float32))).any()
    assert torch.isfinite(KNOWN.vectors).all()
