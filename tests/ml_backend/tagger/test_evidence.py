from collections import Counter
from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.evidence import Evidence, EvidenceFeatures, kinds_of
from ml_backend.tagger.features import NGRAMS, STRINGS, read
from tests.ml_backend.tagger.gold_texts import LABELS, gold_texts


def told(evidence: Evidence, text: str, own: list[Entity] | None = None) -> np.ndarray:
    values, places = evidence.read(read([text]), None if own is None else [own])
    return values[places]


def test_kinds_are_outside_begin_and_inside() -> None:
    row = read(["가나다", "라"])
    kinds = kinds_of([[Entity(1, 3, "LOC")], [Entity(0, 1, "PER")]], row, LABELS)
    assert kinds.tolist() == [0, 3, 4, 1]


@given(gold_texts())
def test_counts_are_those_of_a_slow_count(sample: tuple[list[str], list[list[Entity]]]) -> None:
    texts, gold = sample
    evidence = Evidence.of(texts, gold, LABELS, least=2, most=10_000)
    slow: Counter[tuple[int, int]] = Counter()
    for text, entities in zip(texts, gold, strict=True):
        row = read([text])
        kinds = kinds_of([entities], row, LABELS)
        for hashes, kind in zip(row.strings().view(np.int64).tolist(), kinds.tolist(), strict=True):
            slow.update((one, kind) for one in hashes)
    totals = Counter({one: 0 for one, _ in slow})
    for (one, _), times in slow.items():
        totals[one] += times
    assert evidence.strings.tolist() == sorted(one for one in totals if totals[one] >= 2)
    for number, one in enumerate(evidence.strings.tolist(), 1):
        assert evidence.counts[number].tolist() == [slow[one, kind] for kind in range(5)]


@given(gold_texts(), st.integers(1, 3))
def test_a_text_is_left_out_as_if_it_had_never_been_counted(
    sample: tuple[list[str], list[list[Entity]]], least: int
) -> None:
    texts, gold = sample
    whole = Evidence.of(texts, gold, LABELS, least=least, most=10_000)
    if not len(whole.strings):
        return
    without = Evidence.of(texts[1:], gold[1:], LABELS, least=int(whole.least), most=10_000)
    without = replace(without, usual=whole.usual)
    left_out = told(whole, texts[0], gold[0])
    assert np.allclose(left_out, told(without, texts[0]), atol=1e-6)


def test_the_texts_of_a_batch_are_left_out_one_by_one() -> None:
    texts, gold = ["서울", "서울", "참"], [[Entity(0, 2, "LOC")], [Entity(0, 2, "PER")], []]
    evidence = Evidence.of(texts, gold, LABELS, least=1, most=100)
    values, places = evidence.read(read(texts), gold)
    per, loc = 1, 3  # kinds
    first, second = values[places[0, 0]], values[places[2, 0]]
    assert first[per] > first[loc]  # of the other text it knows that it was PER
    assert second[loc] > second[per]


def test_what_the_other_texts_would_not_know_is_unknown() -> None:
    texts = ["서울", "서울", "부산", "부산", "부산"]
    evidence = Evidence.of(texts, [[]] * 5, LABELS, least=2, most=100)
    assert told(evidence, "서울")[:, 0].any()
    assert not told(evidence, "서울", own=[])[:, 0].any()  # one other text has it
    assert told(evidence, "부산", own=[])[:, 0].any()  # two have


def test_what_was_never_seen_says_nothing() -> None:
    evidence = Evidence.of(["서울", "서울"], [[], []], LABELS, least=2, most=100)
    character, word = 0, len(NGRAMS) + 4
    assert not told(evidence, "부산")[:, [character, word]].any()
    assert told(evidence, "서울")[:, [character, word]].any(axis=2).all()


def test_the_most_frequent_strings_stay_when_there_are_too_many() -> None:
    texts = ["가나"] * 5 + ["다라"] * 3
    every = Evidence.of(texts, [[]] * 8, LABELS, least=1, most=10_000).counts.sum(1)[1:]
    few = Evidence.of(texts, [[]] * 8, LABELS, least=1, most=4).counts.sum(1)[1:]
    assert sorted(few) == sorted(every)[-4:]


def test_the_counts_survive_in_the_module() -> None:
    evidence = Evidence.of(
        ["서울 참", "서울"], [[Entity(0, 2, "LOC")], []], LABELS, least=1, most=99
    )
    features = EvidenceFeatures(len(evidence.strings), int((evidence.counts > 0).sum()), 5, 3, 0.5)
    features.hold(evidence)
    again = features.evidence(LABELS)
    assert np.array_equal(again.counts, evidence.counts)
    assert np.array_equal(again.strings, evidence.strings)
    assert np.array_equal(again.usual, evidence.usual)
    values, places = evidence.read(read(["서울"]))
    features.eval()
    assert features(torch.from_numpy(values), torch.from_numpy(places)).shape == (2, 3)
    assert places.shape == (2, STRINGS)
