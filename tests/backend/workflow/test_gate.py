from dataclasses import replace

import pytest

from backend.settings import ProjectSettings
from backend.workflow.gate import decide
from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument

SETTINGS = ProjectSettings(gate_min_documents=30, gate_class_support=20)


def gold(count: int, label: str = "PS", start: int = 0) -> list[GoldDocument]:
    return [
        GoldDocument(f"{number:04}", f"g{number}", "text of six", [Entity(0, 4, label)])
        for number in range(start, start + count)
    ]


def right(documents: list[GoldDocument]) -> list[list[Entity]]:
    return [list(document.entities) for document in documents]


def wrong(documents: list[GoldDocument], every: int) -> list[list[Entity]]:
    """Nothing is found in each `every`-th document."""
    return [[] if n % every == 0 else list(one.entities) for n, one in enumerate(documents)]


def test_the_first_version_needs_no_opponent():
    decision = decide(gold(3), None, [[], [], []], SETTINGS)
    assert decision.promoted is True
    assert "no opponent" in decision.reason
    assert decision.numbers["challenger"]["micro"]["f1"] == 0
    assert "champion" not in decision.numbers


def test_an_equal_challenger_is_promoted_with_its_numbers():
    documents = gold(60)
    decision = decide(documents, wrong(documents, 4), wrong(documents, 4), SETTINGS)
    assert decision.promoted is True
    assert decision.numbers["documents"] == 60
    assert decision.numbers["difference"] == {"low": 0.0, "estimate": 0.0, "high": 0.0}
    assert decision.numbers["champion"]["per_label"]["PS"]["support"] == 60
    low, high = (decision.numbers["challenger_interval"][name] for name in ("low", "high"))
    assert low < decision.numbers["challenger"]["micro"]["f1"] < high


def test_a_better_challenger_is_promoted():
    documents = gold(60)
    decision = decide(documents, wrong(documents, 2), right(documents), SETTINGS)
    assert decision.promoted is True
    assert decision.numbers["difference"]["low"] > 0


def test_a_sabotaged_challenger_is_refused():
    documents = gold(60)
    shifted = [[Entity(1, 5, "PS")] for _ in documents]
    decision = decide(documents, wrong(documents, 4), shifted, SETTINGS)
    assert decision.promoted is False
    assert "may be worse" in decision.reason


def test_a_challenger_within_the_margin_on_average_is_refused_when_that_is_not_sure():
    documents = gold(40)
    slightly = right(documents)
    slightly[0] = []  # F1 falls by 0.013, within 0.02, but the interval reaches beyond
    decision = decide(documents, right(documents), slightly, SETTINGS)
    assert decision.numbers["difference"]["estimate"] > -SETTINGS.gate_margin
    assert decision.promoted is False
    wide = SETTINGS.model_copy(update={"gate_margin": 0.1})
    assert decide(documents, right(documents), slightly, wide).promoted is True


@pytest.mark.parametrize(("support", "promoted"), [(20, False), (19, True)])
def test_a_class_with_enough_support_may_not_fall_even_when_the_whole_rises(support, promoted):
    common, rare = gold(400), gold(support, "LC", start=400)
    documents = common + rare
    champion = wrong(common, 4) + right(rare)
    challenger = right(common) + wrong(rare, 2)
    decision = decide(documents, champion, challenger, SETTINGS)
    assert decision.promoted is promoted
    assert decision.numbers["difference"]["low"] > 0
    assert ("LC" in decision.numbers["fallen_classes"]) is not promoted


def test_too_little_gate_gold_asks_the_curator_or_promotes_as_the_setting_says():
    documents = gold(29)
    worse = [[] for _ in documents]
    asked = decide(documents, right(documents), worse, SETTINGS)
    assert asked.promoted is None
    assert "too little gate gold (29 of 30 documents)" in asked.reason
    promote = SETTINGS.model_copy(update={"gate_when_little": "promote"})
    assert decide(documents, right(documents), worse, promote).promoted is True
    assert decide([], [], [], SETTINGS).promoted is None


def test_the_same_question_has_the_same_answer():
    documents = gold(50)
    first = decide(documents, wrong(documents, 3), wrong(documents, 5), SETTINGS, seed=4)
    assert first == decide(documents, wrong(documents, 3), wrong(documents, 5), SETTINGS, seed=4)


def test_of_a_label_that_was_not_annotated_only_what_gold_holds_counts():
    documents = [replace(one, missing=frozenset({"LC"})) for one in gold(60)]
    found = [[*one, Entity(5, 7, "LC")] for one in right(documents)]
    decision = decide(documents, right(documents), found, SETTINGS)
    assert decision.numbers["challenger"]["micro"]["f1"] == 1
    assert decision.numbers["difference"]["estimate"] == 0


def test_a_label_that_only_the_challenger_knows_does_not_hide_a_loss_on_the_others():
    old, new = gold(100), gold(100, "LC", start=100)
    documents = old + new
    champion = right(old) + [[] for _ in new]
    challenger = wrong(old, 5) + right(new)
    knows = decide(documents, champion, challenger, SETTINGS, champion_knows={"PS"})
    assert knows.numbers["difference"]["low"] > 0
    assert knows.numbers["difference_on_shared_labels"]["high"] < 0
    assert knows.promoted is False
    assert "on the labels that both know" in knows.reason
    better = right(old) + right(new)
    assert decide(documents, champion, better, SETTINGS, champion_knows={"PS"}).promoted is True


def test_labels_that_both_know_are_judged_as_ever():
    documents = gold(60)
    found = decide(documents, right(documents), right(documents), SETTINGS, champion_knows={"PS"})
    assert "difference_on_shared_labels" not in found.numbers


def test_predictions_of_other_documents_are_refused():
    with pytest.raises(ValueError, match="each of 3 documents, got 2"):
        decide(gold(3), None, [[], []], SETTINGS)
