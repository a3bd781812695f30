"""Independent tags, read as the scheme allows: against every sequence there is."""

import itertools
import math

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.losses import UNCOUNTED
from ml_backend.tagger.heads.softmax import SoftmaxHead
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import SchemeName

AB = LabelSet(("A", "B"))


@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("seed", range(3))
def test_reading_and_probabilities_are_those_of_all_legal_sequences(
    name: SchemeName, seed: int
) -> None:
    torch.manual_seed(seed)
    head = SoftmaxHead(LabelSet(("A",)), 4, scheme=name)
    states, lengths = torch.randn(3, 4, 4) * 5, torch.tensor([4, 1, 3])
    for row, decoded in enumerate(head.decode(states, lengths)):
        p = head.chain.emit(states[row, : lengths[row]]).softmax(1).tolist()
        weights: dict[tuple[tuple[int, int, str], ...], float] = {}
        for path in itertools.product(range(len(head.scheme.tags)), repeat=len(p)):
            try:
                spans = tuple(head.scheme.decode(path))
            except ValueError:
                continue
            weights[spans] = math.prod(chances[tag] for chances, tag in zip(p, path, strict=True))
        legal = sum(weights.values())
        best = max(weights, key=weights.__getitem__)
        assert tuple(entity.key for entity in decoded.entities) == best
        assert decoded.confidence == pytest.approx(weights[best] / legal, abs=1e-5)
        assert decoded.nothing == pytest.approx(weights[()] / legal, abs=1e-5)
        for entity in decoded.entities:
            holding = sum(weight for spans, weight in weights.items() if entity.key in spans)
            assert entity.probability == pytest.approx(holding / legal, abs=1e-5)


def test_targets_are_the_tags_and_what_is_not_known() -> None:
    head = SoftmaxHead(AB, 4, scheme="BIO")
    gold = [
        Target([Entity(1, 3, "A")], missing=frozenset({"B", "C"})),
        Target([Entity(0, 1, "B")], unknown=[(0, 2)]),
    ]
    targets = head.targets(gold, [4, 3])
    tags = head.scheme.tags
    ids = {tag: number for number, tag in enumerate(tags)}
    outside = ids["O", ""]
    assert targets.classes.tolist() == [
        [outside, ids["B", "A"], ids["I", "A"], outside],
        [ids["B", "B"], UNCOUNTED, outside, UNCOUNTED],
    ]
    assert targets.hidden is not None
    assert [tags[number] for number in targets.hidden[0].nonzero()] == [("B", "B"), ("I", "B")]
    assert not targets.hidden[1].any()


def test_transitions_are_not_learned() -> None:
    head = SoftmaxHead(AB, 4)
    states, lengths = torch.randn(1, 3, 4), torch.tensor([3])
    targets = head.targets([Target([Entity(0, 2, "A")])], [3])
    head.loss(states, lengths, targets).sum().backward()
    learned = {name for name, parameter in head.named_parameters() if parameter.grad is not None}
    assert learned == {"chain.emit.weight", "chain.emit.bias"}


def test_the_weights_of_labels_are_those_of_their_tags() -> None:
    head = SoftmaxHead(AB, 4, loss={"label_weights": [2.0, 3.0]})
    weights = head.text_loss.class_weights.tolist()
    assert weights == [{"A": 2.0, "B": 3.0}.get(label, 1.0) for _, label in head.scheme.tags]


def test_it_is_described_by_its_record() -> None:
    head = SoftmaxHead(AB, 4, scheme="BIO", loss={"name": "focal", "focal_gamma": 1.0})
    assert SoftmaxHead(AB, 4, **head.to_dict()).to_dict() == head.to_dict()


def test_negative_sampling_is_refused() -> None:
    with pytest.raises(ValueError, match="span heads"):
        SoftmaxHead(AB, 4, loss={"negative_sampling": 0.5})
