import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.tagger.features import NGRAMS, STRINGS, read
from ml_backend.tagger.vocabulary import Vocabulary, numbers

TEXTS = st.lists(st.text(max_size=12), min_size=1, max_size=5)
BEFORE, AFTER, WORD = len(NGRAMS) + 2, len(NGRAMS) + 3, len(NGRAMS) + 4


@given(TEXTS)
def test_a_text_reads_the_same_alone_and_among_others(texts: list[str]) -> None:
    together = read(texts)
    strings, substrings, jamo = together.strings(), together.substrings(3), together.jamo()
    assert together.text.tolist() == [n for n, text in enumerate(texts) for _ in text]
    start = 0
    for text in texts:
        alone, end = read([text]), start + len(text)
        assert alone.strings().shape == (len(text), STRINGS)
        assert np.array_equal(alone.symbols, together.symbols[start:end])
        assert np.array_equal(alone.classes, together.classes[start:end])
        assert np.array_equal(alone.strings(), strings[start:end])
        assert np.array_equal(alone.substrings(3), substrings[start:end])
        assert np.array_equal(alone.jamo(), jamo[start:end])
        start = end
    assert start == len(together.symbols)


def test_each_string_is_hashed_by_its_own_characters() -> None:
    strings = read(["한 서울은 참"]).strings()
    word = strings[:, WORD]
    assert word[2] == word[3] == word[4] != word[0]
    assert (strings[2:5, BEFORE] == strings[2, BEFORE]).all()
    # what stands before 서울은 is what stands before 부산은 after the same word
    assert strings[2, BEFORE] == read(["한 부산은"]).strings()[2, BEFORE]
    assert strings[2, AFTER] == read(["부산 참"]).strings()[0, AFTER]
    assert strings[2, BEFORE] != read(["두 부산은"]).strings()[2, BEFORE]


def test_different_strings_hash_apart() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0xAC00, 0xD7A4, 20000)
    words = {"".join(map(chr, codes[at : at + 3])) for at in range(0, len(codes), 3)}
    row = read(sorted(words))
    assert len(np.unique(row.strings()[::3, WORD])) == len(words)


@given(st.text(alphabet="가나 a1", max_size=20))
def test_equal_substrings_and_no_others_have_equal_hashes(text: str) -> None:
    substrings = read([text]).substrings(4)
    of: dict[str, set[int]] = {}
    for start, hashes in enumerate(substrings.tolist()):
        for length, found in enumerate(hashes, 1):
            if start + length > len(text):
                assert found == 0
            else:
                of.setdefault(text[start : start + length], set()).add(found)
    assert all(len(found) == 1 for found in of.values())
    assert len(set.union(set(), *of.values())) == len(of)


def test_hashes_are_the_same_on_every_machine() -> None:
    # a saved tagger holds these: a change here breaks every tagger already trained
    row = read(["서울 3동"])
    assert row.strings()[0, [0, 3, WORD]].tolist() == [
        10001169045806993947,
        13075668765432680752,
        5459759825570474589,
    ]
    assert row.substrings(2)[0].tolist() == [9799790531778418589, 17928542585828756205]


def test_width_and_case_do_not_count_and_digits_are_alike_in_strings() -> None:
    assert np.array_equal(read(["ＡＢＣ"]).symbols, read(["abc"]).symbols)
    assert np.array_equal(read(["12월"]).strings(), read(["34월"]).strings())
    assert not np.array_equal(read(["12월"]).symbols, read(["34월"]).symbols)


def test_a_syllable_is_its_jamo() -> None:
    jamo = read(["각갂a가"]).jamo()
    assert jamo.tolist() == [[1, 1, 2], [1, 1, 3], [0, 0, 0], [1, 1, 1]]


def test_rare_symbols_are_unknown() -> None:
    vocabulary = Vocabulary.of(["서울은", "서울은", "참"], least=2)
    found = numbers(vocabulary.symbols, read(["서울은", "부산은"]).symbols)
    assert (found[:3] > 0).all()
    assert found[3:].tolist() == [0, 0, found[2]]


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\U0010ffff", "👩‍🔬", "\u200b"])
def test_odd_code_points_can_be_read(text: str) -> None:
    assert len(read([text]).strings()) == len(text)
