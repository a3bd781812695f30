import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.evaluator import Evaluator
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import (
    Counts,
    Scores,
    bootstrap,
    paired_bootstrap,
    score,
)

LABELS = ["PER", "LOC", "ORG"]
LENGTH = 12


@st.composite
def entities(draw: st.DrawFn) -> list[Entity]:
    """Sorted entities of a text of LENGTH characters that do not overlap."""
    cuts = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=8)))
    spans = [
        Entity(start, end, draw(st.sampled_from(LABELS))) for start, end in itertools.pairwise(cuts)
    ]
    return [span for span in spans if draw(st.booleans())]


pairs = st.lists(st.tuples(entities(), entities()), min_size=1, max_size=6)


def bio(spans: list[Entity]) -> list[str]:
    tags = ["O"] * LENGTH
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        tags[span.start] = f"B-{span.label}"
    return tags


@given(pairs)
def test_agrees_with_seqeval(documents: list[tuple[list[Entity], list[Entity]]]) -> None:
    gold, predicted = [g for g, _ in documents], [p for _, p in documents]
    scores = score(gold, predicted)
    if not scores.micro.support and not scores.micro.predicted:
        return
    report = classification_report(
        [bio(g) for g in gold],
        [bio(p) for p in predicted],
        mode="strict",
        scheme=IOB2,
        output_dict=True,
        zero_division=0,
    )
    assert scores.micro.precision == pytest.approx(report["micro avg"]["precision"])
    assert scores.micro.recall == pytest.approx(report["micro avg"]["recall"])
    assert scores.micro.f1 == pytest.approx(report["micro avg"]["f1-score"])
    for label, counts in scores.per_label.items():
        assert counts.f1 == pytest.approx(report[label]["f1-score"])
        assert counts.support == report[label]["support"]


@given(pairs)
def test_agrees_with_nervaluate(documents: list[tuple[list[Entity], list[Entity]]]) -> None:
    gold, predicted = [g for g, _ in documents], [p for _, p in documents]

    def spans(side: list[list[Entity]]) -> list[list[dict[str, object]]]:
        # nervaluate's ends are inclusive
        return [[{"label": e.label, "start": e.start, "end": e.end - 1} for e in d] for d in side]

    strict = Evaluator(spans(gold), spans(predicted), tags=LABELS, loader="dict").evaluate()[
        "overall"
    ]["strict"]
    micro = score(gold, predicted).micro
    assert micro.true_positive == strict.correct
    assert micro.precision == pytest.approx(strict.precision)
    assert micro.recall == pytest.approx(strict.recall)


def test_a_boundary_or_a_label_off_is_wrong() -> None:
    gold = [[Entity(0, 3, "PER"), Entity(5, 7, "LOC")]]
    assert score(gold, [[Entity(0, 3, "LOC"), Entity(5, 8, "LOC")]]).micro == Counts(0, 2, 2)


def test_a_span_predicted_twice_counts_once_whatever_its_probability() -> None:
    gold = [[Entity(0, 3, "PER")]]
    twice = [[Entity(0, 3, "PER", 0.9), Entity(0, 3, "PER", 0.2)]]
    assert score(gold, twice).micro == Counts(1, 1, 1)


def test_macro_is_the_mean_over_labels_with_support() -> None:
    gold = [[Entity(0, 3, "PER"), Entity(5, 7, "LOC")]]
    scores = score(gold, [[Entity(0, 3, "PER"), Entity(8, 9, "ORG")]])
    assert scores.macro_f1 == pytest.approx(0.5)


def test_nothing_found_in_nothing_is_zero_and_not_an_error() -> None:
    scores = score([[]], [[]])
    assert (scores.micro.precision, scores.micro.recall, scores.micro.f1) == (0.0, 0.0, 0.0)
    assert scores.macro_f1 == 0.0


def test_a_prediction_for_each_document_is_asked_for() -> None:
    with pytest.raises(ValueError, match="each of 2 documents, got 1"):
        score([[], []], [[]])


@given(pairs)
def test_scores_survive_json(documents: list[tuple[list[Entity], list[Entity]]]) -> None:
    scores = score([g for g, _ in documents], [p for _, p in documents])
    assert Scores.from_dict(scores.to_dict()) == scores


def corpus(
    documents: int, hit: float, seed: int = 0
) -> tuple[list[list[Entity]], list[list[Entity]]]:
    rng = random.Random(seed)
    gold = [[Entity(i * 4, i * 4 + 2, "PER") for i in range(3)] for _ in range(documents)]
    return gold, [[e for e in document if rng.random() < hit] for document in gold]


def test_the_interval_holds_the_estimate_and_narrows_with_more_documents() -> None:
    wide = bootstrap(*corpus(30, 0.7))
    narrow = bootstrap(*corpus(3000, 0.7))
    for interval in (wide, narrow):
        assert interval.low < interval.estimate < interval.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 5
    gold, predicted = corpus(3000, 0.7)
    assert narrow.estimate == score(gold, predicted).micro.f1


def test_the_paired_interval_is_signed_and_repeatable() -> None:
    gold, worse = corpus(300, 0.6)
    _, better = corpus(300, 0.8, seed=1)
    gain = paired_bootstrap(gold, worse, better)
    assert 0 < gain.low < gain.estimate < gain.high
    assert paired_bootstrap(gold, worse, better) == gain
    loss = paired_bootstrap(gold, better, worse)
    assert loss.estimate == pytest.approx(-gain.estimate)
    assert loss.high < 0


def test_a_model_does_not_differ_from_itself() -> None:
    gold, predicted = corpus(100, 0.7)
    interval = paired_bootstrap(gold, predicted, predicted)
    assert (interval.low, interval.estimate, interval.high) == (0.0, 0.0, 0.0)
