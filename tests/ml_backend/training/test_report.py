"""The full report and the comparison, on readings made by hand and by chance."""

import json
import random

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import bootstrap, paired_bootstrap
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.heads.head import Decoded
from ml_backend.training.reach import Reach
from ml_backend.training.report import compare, report


def document(number: int, *entities: Entity, missing: frozenset[str] = frozenset()) -> GoldDocument:
    return GoldDocument(str(number), str(number), "x" * 20, list(entities), missing)


def noisy(documents: list[GoldDocument], share: float, seed: int) -> list[Decoded]:
    """Gold with a share of the entities moved by one character."""
    rng = random.Random(seed)
    return [
        Decoded(
            [
                Entity(e.start, e.end + (rng.random() < share), e.label, rng.random())
                for e in document.entities
            ],
            rng.random(),
        )
        for document in documents
    ]


def generated(count: int) -> list[GoldDocument]:
    rng = random.Random(0)
    return [
        document(n, *(Entity(at, at + 3, rng.choice("AB")) for at in range(0, 20, 5)))
        for n in range(count)
    ]


def test_figures_by_hand() -> None:
    gold = [document(0, Entity(0, 2, "A"), Entity(3, 5, "B")), document(1, Entity(0, 2, "A"))]
    readings = [
        Decoded([Entity(0, 2, "A", 0.9), Entity(3, 6, "B", 0.8)], 0.7),
        Decoded([Entity(0, 2, "A", 0.9), Entity(9, 10, "C", 0.1)], 0.2),
    ]
    found = report(gold, readings, Reach(3, {}))
    assert (found.scores.micro.precision, found.scores.micro.recall) == (0.5, 2 / 3)
    # A is perfect, B wrong; C has no gold and no part in the means
    assert (found.macro.precision, found.macro.recall, found.macro.f1) == (0.5, 0.5, 0.5)
    assert found.macro.f1 == found.scores.macro_f1
    assert {k.value: n for k, n in found.mistakes.kinds.items() if n} == {
        "right": 2,
        "boundary": 1,
        "spurious": 1,
    }
    assert found.spans.count == 4
    assert found.whole.count == 2
    record = json.loads(json.dumps(found.to_dict()))
    assert record["micro"]["f1"] == pytest.approx(4 / 7)
    assert record["per_label"]["B"]["support"] == 1
    assert len(record["calibration"]["documents"]["bins"]) == 2


def test_the_interval_is_that_of_the_one_metric() -> None:
    gold = generated(60)
    readings = noisy(gold, 0.3, 1)
    expected = bootstrap([d.entities for d in gold], [r.entities for r in readings])
    assert report(gold, readings, Reach(0, {})).interval == expected


def test_what_nobody_looked_for_counts_neither_way() -> None:
    gold = [document(0, Entity(0, 2, "A"), missing=frozenset("B"))]
    readings = [Decoded([Entity(0, 2, "A", 0.9), Entity(3, 5, "B", 0.9)], 0.8)]
    found = report(gold, readings, Reach(1, {}))
    assert (found.scores.micro.f1, found.scores.micro.predicted) == (1.0, 1)
    assert (found.spans.count, found.whole.count) == (1, 0)


def test_any_two_models_are_compared_on_the_same_documents() -> None:
    gold = generated(80)
    models = [(name, noisy(gold, s, 2)) for name, s in (("a", 0.05), ("b", 0.5), ("c", 0.05))]
    found = compare(gold, models)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    entities = {name: [r.entities for r in readings] for name, readings in models}
    expected = paired_bootstrap([d.entities for d in gold], entities["a"], entities["b"])
    assert found[0].difference == expected
    assert found[0].second_f1 - found[0].first_f1 == pytest.approx(expected.estimate)
    assert found[0].decided
    assert (found[1].difference.estimate, found[1].decided) == (0.0, False)
