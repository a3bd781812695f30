"""Near copies against exhaustive comparison, in one go and piece by piece."""

import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from backend.sample.generate import generate
from backend.workflow.duplicates.near import NearGroups, compare
from backend.workflow.duplicates.near_index import Progress, open_index
from backend.workflow.duplicates.near_sketch import HASHES, Similarity, digits, sketch
from backend.workflow.duplicates.normal_form import normal_form

SIMILARITY = Similarity(0.85)


def distinct(texts: Sequence[str]) -> list[str]:
    return list({normal_form(text): text for text in texts}.values())


def groups_of(
    folder: Path, texts: Sequence[str], chunk: int = 10**6, similarity: Similarity = SIMILARITY
) -> dict[int, int]:
    """The near group of each text that is in one, by its number from 1 on."""
    near: dict[int, int] = {}
    for start in range(0, len(texts), chunk):
        index = open_index(folder, similarity)
        some = texts[start : start + chunk]
        sketches = sketch(some, similarity)
        near |= compare(index, start + 1 + sketches.places, sketches, near).near
        index.keep(Progress(start + len(some), start + len(some)))
    return near


def exhaustive(texts: Sequence[str], similarity: Similarity = SIMILARITY) -> set[tuple[int, int]]:
    """All pairs of near copies, by numbers from 1 on."""
    forms = [normal_form(text, similarity.casefold) for text in texts]
    return {
        (one + 1, other + 1)
        for one, other in combinations(range(len(forms)), 2)
        if Levenshtein.normalized_similarity(forms[one], forms[other]) >= similarity.threshold
        and digits(forms[one]) == digits(forms[other])
    }


def components(count: int, pairs: set[tuple[int, int]]) -> dict[int, int]:
    name = list(range(count + 1))

    def top(one: int) -> int:
        while name[one] != one:
            one = name[one]
        return one

    for one, other in pairs:
        one, other = sorted((top(one), top(other)))
        name[other] = one
    alone = {one for one in name if not any(one in pair for pair in pairs)}
    return {one: top(one) for one in range(1, count + 1) if one not in alone}


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    """Sentences of templates with planted near copies, and scattered changes of some of them."""
    rng = random.Random(5)
    texts = [document.text for document in generate(700, seed=3)]
    changed = []
    for text in texts[:150]:
        letters = list(text)
        for _ in range(rng.randint(1, max(1, len(letters) // 9))):
            letters[rng.randrange(len(letters))] = rng.choice("가나다라마바사")
        changed.append("".join(letters))
    return distinct([*texts, *changed])


def test_groups_are_those_of_exhaustive_comparison(corpus: list[str], tmp_path: Path) -> None:
    pairs = exhaustive(corpus)
    near = groups_of(tmp_path, corpus)
    together = {pair for pair in pairs if pair[0] in near and near[pair[0]] == near.get(pair[1])}
    assert len(pairs) > 150
    assert len(together) >= 0.97 * len(pairs)
    assert near == components(len(corpus), together)  # and nothing else is joined


@pytest.mark.parametrize("chunk", [3, 37, 200])
def test_piece_by_piece_gives_the_same_groups(
    corpus: list[str], tmp_path: Path, chunk: int
) -> None:
    some = corpus[-240:]
    assert groups_of(tmp_path / "pieces", some, chunk) == groups_of(tmp_path / "whole", some)
    index = open_index(tmp_path / "pieces", SIMILARITY)
    assert len(index.segments) <= 8  # they are merged
    assert index.progress == Progress(240, 240)
    assert index.ids().tolist() == sorted(index.ids().tolist())


@given(st.lists(st.text("가나3४ aA.", min_size=5, max_size=16), max_size=12, unique_by=normal_form))
@settings(max_examples=60)
def test_no_pair_is_joined_that_is_none(tmp_path_factory, texts: list[str]) -> None:
    near = groups_of(tmp_path_factory.mktemp("near"), texts)
    pairs = exhaustive(texts)
    for one, group in near.items():
        assert any(one in pair for pair in pairs), texts[one - 1]
        assert near[group] == group == min(other for other in near if near[other] == group)
        assert components(len(texts), pairs)[one] == group


def test_digits_that_differ_are_never_joined(tmp_path: Path) -> None:
    texts = ["회의는 오는 3일 오전에 열립니다 여러분", "회의는 오는 4일 오전에 열립니다 여러분"]
    assert groups_of(tmp_path / "a", texts) == {}
    wide = [texts[0], texts[0].replace("3일", "３일 ").replace("여러분", "여러 분!")]
    assert groups_of(tmp_path / "b", wide) == {1: 1, 2: 1}
    assert groups_of(
        tmp_path / "c", ["가나다라마바사아자차 12 3", "가나다라마바사아자차카 1 23"]
    ) == {
        1: 1,
        2: 1,
    }  # the normal form knows no spaces


def test_case_counts_unless_it_is_folded(tmp_path: Path) -> None:
    texts = ["ABCDEFGHIJ 가나다라마바사", "abcdefghij 가나다라마바사!"]
    assert groups_of(tmp_path / "a", texts) == {}
    folded = Similarity(0.85, casefold=True)
    assert groups_of(tmp_path / "b", texts, similarity=folded) == {1: 1, 2: 1}


def test_short_texts_have_exact_copies_only(tmp_path: Path) -> None:
    assert groups_of(tmp_path / "a", ["가나다라마바", "가나다라마사", "", "가", "나"]) == {}
    assert groups_of(tmp_path / "b", ["가나다라마바사", "가나다라마바아"]) == {1: 1, 2: 1}
    loose = Similarity(0.5)
    assert groups_of(tmp_path / "c", ["가나", "가다"], similarity=loose) in ({}, {1: 1, 2: 1})


def test_a_threshold_of_one_finds_nothing_and_a_long_text_is_no_trouble(tmp_path: Path) -> None:
    long = "가나다라" * 30_000
    exact = Similarity(1.0)
    assert groups_of(tmp_path / "a", ["가나다라마바사", "가나다라마바아"], similarity=exact) == {}
    assert groups_of(tmp_path / "b", [long, long + "마"]) == {1: 1, 2: 1}


def test_one_template_a_thousand_times_is_one_group(tmp_path: Path) -> None:
    names = [
        f"{first}{second}{third}"
        for first in "김이박최정"
        for second in "가나다라마바사아자차"
        for third in "카타파하거너더러머버"
    ]
    texts = [f"오늘 저녁 서울에서 열린 회의에 {name} 씨가 참석했습니다" for name in names]
    near = groups_of(tmp_path, texts, chunk=120)
    assert near == dict.fromkeys(range(1, len(texts) + 1), 1)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99])
def test_bands_use_the_hashes_there_are(threshold: float) -> None:
    similarity = Similarity(threshold)
    assert 1 <= similarity.band_rows <= 8
    assert similarity.bands * similarity.band_rows <= HASHES


def test_the_index_of_another_similarity_or_of_an_interrupted_run_is_left(tmp_path: Path) -> None:
    texts = ["가나다라마바사", "가나다라마바아"]
    groups_of(tmp_path, texts)
    assert open_index(tmp_path, SIMILARITY).size == 2
    assert open_index(tmp_path, Similarity(0.85, casefold=True)).size == 0
    index = open_index(tmp_path, SIMILARITY)
    sketches = sketch(["가나다라마바자"], SIMILARITY)
    compare(index, 3 + sketches.places, sketches, {1: 1, 2: 1})  # and no `keep`
    assert len(list(tmp_path.glob("segment-*"))) == 2
    index = open_index(tmp_path, SIMILARITY)
    assert index.size == 2
    assert len(list(tmp_path.glob("segment-*"))) == 2  # somebody may be at it
    index.tidy()
    assert len(list(tmp_path.glob("segment-*"))) == 1
    assert open_index(tmp_path, SIMILARITY).size == 2
    (tmp_path / "index.json").write_text("{")
    assert open_index(tmp_path, SIMILARITY).size == 0


def test_groups_are_joined_under_their_oldest_document() -> None:
    groups = NearGroups(np.array([3, 5, 8, 9, 12]), {5: 5, 8: 5, 99: 99})
    assert groups.near().tolist() == [0, 5, 5, 0, 0]
    groups.unite(np.array([4]), np.array([2]))
    assert groups.near().tolist() == [0, 5, 5, 0, 5]
    groups.unite(np.array([4, 3]), np.array([0, 0]))
    assert groups.near().tolist() == [3, 3, 3, 3, 3]
