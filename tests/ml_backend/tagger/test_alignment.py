"""Pieces cover exactly the characters they were made of, whatever the tokenizer."""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertJapaneseTokenizer, PreTrainedTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from ml_backend.tagger.alignment import Aligner, OffsetAligner, WordAligner, aligner
from ml_backend.tagger.pieces import NO_PIECE, Cover, cover
from ml_backend.tagger.spelling import align
from tests.ml_backend.tagger.odd_texts import any_texts, odd_texts
from tests.ml_backend.tagger.small_tokenizers import (
    SENTENCES,
    SPECIAL,
    byte_level,
    folded,
    unigram,
    word_piece,
    wrapped,
)

TOKENIZERS = {
    "WordPiece": word_piece(),
    "WordPiece lower-cased": word_piece(lower=True),
    "WordPiece composed": word_piece(nfc=True),
    "byte-level BPE": byte_level(),
    "byte-level BPE with spaces": byte_level(trim=False),
    "Unigram": unigram(),
    "Unigram without prefix": unigram(prepend=False),
}
ALIGNERS: dict[str, Aligner] = {name: OffsetAligner(t) for name, t in TOKENIZERS.items()}
every_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)


def ranges(aligner: Aligner, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """The range of each piece, counted in its own text."""
    pieces = aligner.pieces(texts)
    begins = np.cumsum([0, *map(len, texts)])
    rows = iter(zip(pieces.starts.tolist(), pieces.ends.tolist(), strict=True))
    return [
        [(start - int(begin), end - int(begin)) for start, end in itertools.islice(rows, count)]
        for begin, count in zip(begins, pieces.counts.tolist(), strict=False)
    ]


def covered(aligner: Aligner, text: str) -> Cover:
    return cover(aligner.pieces([text]), text)


def covered_by(aligner: Aligner, text: str) -> list[list[int]]:
    """The characters of each piece, as `cover` has them."""
    pieces = aligner.pieces([text])
    found = cover(pieces, text)
    return [
        [at for at in range(len(text)) if found.first[at] <= piece <= found.last[at]]
        for piece in range(len(pieces.ids))
    ]


def spelt(tokenizer: Tokenizer, number: int) -> str | None:
    """What a WordPiece or Unigram piece says; None: unknown."""
    token = tokenizer.id_to_token(number)
    if token in ("[UNK]", "<unk>"):
        return None
    return token.removeprefix("##").replace("▁", " ")


@every_tokenizer
@settings(deadline=None, max_examples=80)
@given(texts=st.lists(odd_texts | any_texts, min_size=1, max_size=3))
def test_ranges_lie_in_their_text_and_rise(name: str, texts: list[str]) -> None:
    for text, found in zip(texts, ranges(ALIGNERS[name], texts), strict=True):
        assert all(0 <= start <= end <= len(text) for start, end in found)
        real = [(start, end) for start, end in found if start < end]
        assert real == sorted(real)
        assert all(not text[s].isspace() and not text[e - 1].isspace() for s, e in real)
    assert ranges(ALIGNERS[name], texts) == [ranges(ALIGNERS[name], [text])[0] for text in texts]


@pytest.mark.parametrize("name", [name for name in TOKENIZERS if "BPE" not in name])
@settings(deadline=None, max_examples=100)
@given(text=odd_texts)
def test_a_piece_spells_its_characters(name: str, text: str) -> None:
    pieces = ALIGNERS[name].pieces([text])
    for number, places in zip(pieces.ids.tolist(), covered_by(ALIGNERS[name], text), strict=True):
        said = spelt(TOKENIZERS[name], number)
        here = "".join(text[at] for at in places)
        if said is None:
            assert here or any(character.isspace() for character in text)
        elif folded(said) != folded(here):
            # part of a character that is several pieces
            assert len(places) <= 2 or folded(said) in folded(here)
            assert len(unicodedata.normalize("NFKD", here)) > 1


@pytest.mark.parametrize("name", [name for name in TOKENIZERS if "BPE" in name])
@settings(deadline=None, max_examples=100)
@given(text=odd_texts.map(lambda text: re.sub(r"[^\S ]", "", text)))
def test_bytes_are_those_of_their_characters(name: str, text: str) -> None:
    alphabet = byte_alphabet()
    pieces = ALIGNERS[name].pieces([text])
    tokens = [TOKENIZERS[name].id_to_token(number) for number in pieces.ids.tolist()]
    for token, places in zip(tokens, covered_by(ALIGNERS[name], text), strict=True):
        said = bytes(alphabet[character] for character in token).strip(b" ")
        here = text[places[0] : places[-1] + 1] if places else ""
        here = unicodedata.normalize("NFC", here.replace("\ud800", "\ufffd"))
        assert said.strip() in here.encode()
        # nothing too much: each character gives at least one of the bytes
        assert len(here) <= len(said) or here.isspace()


def byte_alphabet() -> dict[str, int]:
    """What each byte is written as (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(256 + n): b for n, b in enumerate(others)}


@every_tokenizer
@settings(deadline=None, max_examples=100)
@given(text=odd_texts)
def test_what_no_piece_covers_was_dropped(name: str, text: str) -> None:
    found = covered(ALIGNERS[name], text)
    left = [text[at] for at in np.flatnonzero(found.first == NO_PIECE)]
    kinds = {unicodedata.category(character)[0] for character in left if character not in "\ufffd▁"}
    assert kinds <= {"Z", "C", "M"}, left  # white space, controls, marks that were stripped


@every_tokenizer
@settings(deadline=None, max_examples=60)
@given(text=odd_texts)
def test_places_count_from_both_ends_of_a_piece(name: str, text: str) -> None:
    aligner = ALIGNERS[name]
    found = covered(aligner, text)
    members = covered_by(aligner, text)
    for at in np.flatnonzero(found.first != NO_PIECE):
        assert found.front[at] == at - members[found.first[at]][0]
        assert found.back[at] == members[found.last[at]][-1] - at


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_and_its_particle_in_either_normal_form(form: str) -> None:
    tokenizer = Tokenizer(
        models.WordPiece({"[UNK]": 0, "안정": 1, "##환을": 2, "a": 3}, unk_token="[UNK]")
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), pre_tokenizers.Whitespace()
    text = unicodedata.normalize(form, "안정환을")
    two = len(unicodedata.normalize(form, "안정"))
    assert covered_by(OffsetAligner(tokenizer), text) == [
        list(range(two)),
        list(range(two, len(text))),
    ]


def test_special_tokens_in_a_text_are_text() -> None:
    for name, names in (("WordPiece", SPECIAL), ("Unigram", ["<s>", "</s>"])):
        number = {TOKENIZERS[name].token_to_id(special) for special in names[2:]}
        found = ALIGNERS[name].pieces([" ".join(names)])
        assert not number & set(found.ids.tolist())


def test_nothing_is_cut_off_by_what_the_tokenizer_was_saved_with() -> None:
    tokenizer = word_piece()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=16)
    texts = ["안정환을 만났다. " * 20, "안"]
    aligner = OffsetAligner(tokenizer)
    assert ranges(aligner, texts) == ranges(ALIGNERS["WordPiece"], texts)


@pytest.mark.parametrize("length", [1, 10_000])
@every_tokenizer
def test_texts_of_any_length_are_covered_to_the_end(name: str, length: int) -> None:
    for text in ("가", "a", " ", "\u200b", "👩‍🔬 ", "안정환을 만났다. "):
        long = (text * length)[:length]
        found = ranges(ALIGNERS[name], [long])[0]
        if text in ("가", "a"):
            assert (found[0][0], found[-1][1]) == (0, length)


# Tokenizers in Python, which report no offsets.


def vocabulary_file(folder: Path) -> str:
    characters = {c for sentence in SENTENCES for c in unicodedata.normalize("NFKD", sentence)}
    characters |= {c for sentence in SENTENCES for c in sentence if not c.isspace()}
    words = ["안정", "##환을", "museum", "##se", "만났", "##다", "東京"]
    tokens = [*SPECIAL, *sorted(characters), *("##" + c for c in sorted(characters)), *words]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(tokens)), "utf-8")
    return str(folder / "vocab.txt")


@pytest.fixture(scope="module")
def slow_and_fast(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Any, Aligner]]:
    """By whether it lower-cases: BERT's tokenizer in Python, and what its fast twin says."""
    file = vocabulary_file(tmp_path_factory.mktemp("vocabulary"))
    found = {}
    for lower in (False, True):
        fast = Tokenizer(models.WordPiece.from_file(file, unk_token="[UNK]"))
        fast.normalizer = normalizers.BertNormalizer(lowercase=lower)
        fast.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        slow = BertTokenizerLegacy(file, do_lower_case=lower)
        found[lower] = aligner(slow), OffsetAligner(fast)
    return found


@pytest.mark.parametrize("lower", [False, True])
@settings(deadline=None, max_examples=200)
@given(text=odd_texts)
@example("쀍쀍,쀍 (쀍)쀍 쀍")
@example("a쀍Z𠮷漢Z쀍字")
@example("안정환을\u200b만났\u0301다")
def test_a_tokenizer_in_python_is_aligned_as_its_fast_twin_says(
    lower: bool, slow_and_fast: dict[bool, tuple[Aligner, Aligner]], text: str
) -> None:
    slow, fast = slow_and_fast[lower]
    assert isinstance(slow, WordAligner)
    assert slow.pieces([text]).ids.tolist() == fast.pieces([text]).ids.tolist()
    assert covered_by(slow, text) == covered_by(fast, text)


@pytest.mark.parametrize("subwords", ["wordpiece", "character"])
def test_a_japanese_tokenizer(tmp_path: Path, subwords: str) -> None:
    tokenizer = BertJapaneseTokenizer(
        vocabulary_file(tmp_path), word_tokenizer_type="basic", subword_tokenizer_type=subwords
    )
    text = "東京タワーへ ﾀﾜｰ\n안정환을 行きました。"
    found = covered_by(WordAligner(tokenizer), text)
    names = [
        tokenizer.convert_ids_to_tokens(n)
        for n in WordAligner(tokenizer).pieces([text]).ids.tolist()
    ]
    assert len(found) == len(names) > 5
    for name, places in zip(names, found, strict=True):
        here = "".join(text[at] for at in places)
        assert here
        if name != "[UNK]":
            assert folded(name.removeprefix("##")) == folded(here)


class Characters(PreTrainedTokenizer):
    """Every character is a piece, white space too."""

    @property
    def vocab_size(self) -> int:
        return 0x110000

    def get_vocab(self) -> dict[str, int]:
        return {}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        return list(text)

    def _convert_token_to_id(self, token: str) -> int:
        return ord(token)


def test_a_tokenizer_of_characters_reads_white_space_too() -> None:
    text = "안정환  a\t👩"
    pieces = WordAligner(Characters()).pieces([text])
    assert pieces.ids.tolist() == [ord(character) for character in text]
    widths = [end - start for start, end in ranges(WordAligner(Characters()), [text])[0]]
    assert widths == [not character.isspace() for character in text]


def test_a_wrapped_tokenizer_is_aligned_by_its_offsets() -> None:
    assert isinstance(aligner(wrapped(word_piece())), OffsetAligner)


# Laying pieces over the characters of a word, against every way to cut it.


def every_laying(word: str, pieces: Sequence[str | None]) -> list[list[tuple[int, int]]]:
    """All ways to cut the word into one part for each piece that spells it, unknown ones any."""
    found = []
    for borders in itertools.combinations_with_replacement(range(len(word) + 1), len(pieces) - 1):
        cut = [0, *borders, len(word)]
        parts = list(itertools.pairwise(cut))
        if all(
            (start < end) if piece is None else word[start:end] == piece.removeprefix("##")
            for piece, (start, end) in zip(pieces, parts, strict=True)
        ):
            found.append(parts)
    return found


@settings(deadline=None, max_examples=200)
@given(st.text("ab가漢", min_size=1, max_size=7), st.data())
def test_laying_finds_the_only_way_there_is(word: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(word) - 1)), max_size=3)))
    borders = [0, *(cut for cut in cuts if cut < len(word)), len(word)]
    parts = [word[start:end] for start, end in itertools.pairwise(borders)]
    pieces = [
        None if data.draw(st.booleans()) else part if number == 0 else "##" + part
        for number, part in enumerate(parts)
    ]
    layings = every_laying(word, pieces)
    assert list(itertools.pairwise(borders)) in layings
    found = align(word, pieces)
    apart = all(left or right for left, right in itertools.pairwise(pieces))
    if len(layings) == 1 and apart:
        assert found == layings[0]
    else:  # every part that all ways have in common is found, and nothing is left to no piece
        for number, piece in enumerate(pieces):
            if piece is not None:
                assert word[slice(*found[number])] == piece.removeprefix("##")
        assert {at for start, end in found for at in range(start, end)} == set(range(len(word)))


@pytest.mark.parametrize(
    ("word", "pieces", "expected"),
    [
        ("😀b", [":", "grin", "##ning", ":", "b"], [(0, 1)] * 4 + [(1, 2)]),  # spelt out
        ("abc", ["a", "c"], [(0, 1), (2, 3)]),  # dropped
        ("#", ["#"], [(0, 1)]),
        ("a##b", ["a", "##", "b"], [(0, 1), (1, 3), (3, 4)]),
        ("ﬁsh", ["f", "ish"], [(0, 1), (0, 3)]),  # one character, two pieces
        ("", [], []),
        ("x", [], []),
        ("\u200b", [None], [(0, 1)]),
    ],
)
def test_what_is_not_spelt_as_it_is_written(
    word: str, pieces: list[str | None], expected: list[tuple[int, int]]
) -> None:
    assert align(word, pieces) == expected
