import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.tagger.features import STRINGS, read
from ml_backend.tagger.vocabulary import Vocabulary

TEXTS = st.lists(st.text(max_size=12), min_size=1, max_size=5)


@given(TEXTS)
def test_a_text_reads_the_same_alone_and_among_others(texts: list[str]) -> None:
    together = read(texts)
    start = 0
    for text in texts:
        alone, end = read([text]), start + len(text)
        assert alone.strings.shape == (len(text), STRINGS)
        assert np.array_equal(alone.symbols, together.symbols[start:end])
        assert np.array_equal(alone.classes, together.classes[start:end])
        assert np.array_equal(alone.strings, together.strings[start:end])
        start = end
    assert start == len(together.symbols)


def test_the_same_string_hashes_alike_wherever_it_stands() -> None:
    first, second = read(["서울은"]), read(["우리 서울은"])
    # the word up to a character and from it on
    assert np.array_equal(first.strings[:, -2:], second.strings[3:, -2:])
    assert not np.array_equal(first.strings[:, -2], first.strings[:, -1])


def test_different_strings_hash_apart() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0xAC00, 0xD7A4, 20000)
    words = {"".join(map(chr, codes[at : at + 3])) for at in range(0, len(codes), 3)}
    assert len(np.unique([read([word]).strings[-1, -2] for word in words])) == len(words)


def test_hashes_are_the_same_on_every_machine() -> None:
    # a saved vocabulary holds these: a change here breaks every tagger already trained
    assert read(["서울 3동"]).strings[0, [0, 3, -1]].tolist() == [
        3859278762280438190,
        17511411837027692794,
        818850873325803797,
    ]


def test_width_and_case_do_not_count_and_digits_are_alike_in_strings() -> None:
    assert np.array_equal(read(["ＡＢＣ"]).symbols, read(["abc"]).symbols)
    assert np.array_equal(read(["12월"]).strings, read(["34월"]).strings)
    assert not np.array_equal(read(["12월"]).symbols, read(["34월"]).symbols)


def test_unseen_strings_are_unknown_and_never_taken_for_another() -> None:
    vocabulary = Vocabulary.of(
        ["서울은", "서울은"], least_symbols=2, least_strings=2, most_strings=100
    )
    symbols, _, strings = vocabulary.numbers(read(["서울은", "부산은"]))
    assert (symbols[:3] > 0).all()
    assert (symbols[3:] == [0, 0, symbols[2]]).all()
    assert (strings[:3] > 0).all()
    assert (strings[3, :] == 0).all()


def test_the_most_frequent_strings_stay_when_there_are_too_many() -> None:
    texts = ["가나"] * 5 + ["다라"] * 3
    few = Vocabulary.of(texts, least_symbols=1, least_strings=1, most_strings=4)
    assert len(few.strings) == 4
    _, _, strings = few.numbers(read(["가나", "다라"]))
    assert (strings[:2] > 0).any()
    assert not (strings[2:] > 0).any()


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\U0010ffff", "👩‍🔬", "\u200b"])
def test_odd_code_points_can_be_read(text: str) -> None:
    assert len(read([text]).symbols) == len(text)
