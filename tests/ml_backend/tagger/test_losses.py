"""Losses against plain formulas, and by what minimising them leads to."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ml_backend.tagger.heads.losses import (
    UNCOUNTED,
    ItemTargets,
    LossOptions,
    TextLoss,
    balanced_weights,
)

NONE = 0
LABEL_OF = [None, 0, 1]  # the label of each class


def text_loss(**options: Any) -> TextLoss:
    return TextLoss(LossOptions(**options), LABEL_OF)


@pytest.fixture
def logits() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 5, 3, dtype=torch.double).float() * 2


CLASSES = torch.tensor([[0, 1, 0, 2, 0], [2, 0, 0, UNCOUNTED, UNCOUNTED]])
TARGETS = ItemTargets(CLASSES, None)


def test_cross_entropy_is_torchs_summed_over_a_texts_items(logits: Tensor) -> None:
    loss = text_loss()(logits, TARGETS)
    expected = functional.cross_entropy(
        logits.transpose(1, 2), CLASSES, ignore_index=UNCOUNTED, reduction="none"
    )
    assert torch.allclose(loss, expected.sum(1))


def test_label_smoothing_is_torchs(logits: Tensor) -> None:
    loss = text_loss(label_smoothing=0.1)(logits, TARGETS)
    expected = functional.cross_entropy(
        logits.transpose(1, 2),
        CLASSES,
        ignore_index=UNCOUNTED,
        reduction="none",
        label_smoothing=0.1,
    )
    assert torch.allclose(loss, expected.sum(1))


def test_label_weights_are_torchs_class_weights(logits: Tensor) -> None:
    loss = text_loss(label_weights=[0.5, 3.0])(logits, TARGETS)
    expected = functional.cross_entropy(
        logits.transpose(1, 2),
        CLASSES,
        weight=torch.tensor([1.0, 0.5, 3.0]),
        ignore_index=UNCOUNTED,
        reduction="none",
    )
    assert torch.allclose(loss, expected.sum(1))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_weighs_by_doubt(logits: Tensor, gamma: float) -> None:
    loss = text_loss(name="focal", focal_gamma=gamma)(logits, TARGETS)
    p = logits.softmax(2).gather(2, CLASSES.clamp(min=0).unsqueeze(2)).squeeze(2)
    expected = (-((1 - p) ** gamma) * p.log()).where(CLASSES != UNCOUNTED, 0.0)
    assert torch.allclose(loss, expected.sum(1), atol=1e-6)


def test_focal_composes_with_smoothing_and_weights(logits: Tensor) -> None:
    options = {"focal_gamma": 3.0, "label_smoothing": 0.2, "label_weights": [0.5, 3.0]}
    loss = text_loss(name="focal", **options)(logits, TARGETS)
    weights = [1.0, 0.5, 3.0]
    for row in range(2):
        expected = 0.0
        for item, truth in enumerate(CLASSES[row].tolist()):
            if truth == UNCOUNTED:
                continue
            p = logits[row, item].double().softmax(0).tolist()
            doubted = -((1 - p[truth]) ** 3.0) * math.log(p[truth])
            evenly = -sum(math.log(chance) for chance in p) / 3
            expected += weights[truth] * (0.8 * doubted + 0.2 * evenly)
        assert loss[row].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_has_a_finite_slope_where_all_is_right(gamma: float) -> None:
    logits = torch.tensor([[[90.0, -90.0, -90.0]]], requires_grad=True)
    text_loss(name="focal", focal_gamma=gamma)(
        logits, ItemTargets(torch.tensor([[NONE]]), None)
    ).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_dice_is_zero_only_for_the_gold_and_bounds_the_logarithm_of_f1(logits: Tensor) -> None:
    loss = text_loss(name="dice")(logits, TARGETS)
    p = logits.softmax(2)
    for row in range(2):
        gold = [(i, c) for i, c in enumerate(CLASSES[row].tolist()) if c > NONE]
        counted = CLASSES[row] != UNCOUNTED
        mass = p[row, counted, 1:].sum().item()
        soft_f1 = 2 * sum(p[row, i, c].item() for i, c in gold) / (len(gold) + mass)
        bound = -len(gold) * math.log(soft_f1)
        expected = -sum(math.log(p[row, i, c].item()) for i, c in gold) + len(gold) * math.log(
            (len(gold) + mass) / (2 * len(gold))
        )
        assert loss[row].item() == pytest.approx(expected, rel=1e-5)
        assert loss[row].item() >= bound - 1e-6
    right = functional.one_hot(CLASSES.clamp(min=0), 3) * 40.0
    assert torch.allclose(text_loss(name="dice")(right, TARGETS), torch.zeros(2), atol=1e-5)


def replaced_dice(p: Tensor) -> Tensor:
    """The replaced system's loss of an item, from the probability of its class."""
    factor = (1 - p) * p
    return 1 - (2 * factor + 1) / (factor + 1 + 1)


def test_the_replaced_dice_drives_right_answers_back_and_ours_does_not() -> None:
    logits = torch.tensor([[[-1.0, 1.0, -1.0]]], requires_grad=True)  # right, p about 0.8
    gold = torch.tensor([[1]])
    (slope,) = torch.autograd.grad(replaced_dice(logits.softmax(2)[0, 0, 1]), logits)
    assert slope[0, 0, 1] > 0  # a step down the slope makes it less certain
    (slope,) = torch.autograd.grad(text_loss(name="dice")(logits, ItemTargets(gold, None)), logits)
    assert slope[0, 0, 1] < 0


def rare_entities() -> tuple[Tensor, ItemTargets]:
    """Four texts of 200 items of which one or two in a text are entities, told by their features;
    the last text has none."""
    torch.manual_seed(1)
    classes = torch.zeros(4, 200, dtype=torch.long)
    classes[0, 17], classes[1, 160], classes[1, 3], classes[2, 90] = 1, 2, 1, 2
    features = torch.randn(4, 200, 8) * 0.3
    features[..., :2] += functional.one_hot(classes, 3)[..., 1:] * 3.0
    return features, ItemTargets(classes, None)


@pytest.mark.parametrize("name", ["cross-entropy", "focal", "dice"])
def test_a_classifier_of_rare_entities_converges(name: str) -> None:
    features, targets = rare_entities()
    classify = torch.nn.Linear(8, 3)
    loss_of = text_loss(name=name)
    optimizer = torch.optim.Adam(classify.parameters(), lr=0.1)
    losses = []
    for _ in range(120):
        loss = loss_of(classify(features), targets).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert (classify(features).argmax(2) == targets.classes).all()
    assert losses[-1] < 0.1 * losses[0]
    assert losses[-1] < 1.05 * min(losses)  # it stays where it came to


def test_what_may_be_hidden_is_marginalised_over(logits: Tensor) -> None:
    hidden = torch.tensor([[False, False, True], [False, False, False]])
    loss = text_loss()(logits, ItemTargets(CLASSES, hidden))
    p = logits.softmax(2)
    allowed = [p[0, 0, [0, 2]].sum(), p[0, 1, 1], p[0, 2, [0, 2]].sum(), p[0, 3, 2]]
    allowed.append(p[0, 4, [0, 2]].sum())
    assert loss[0].item() == pytest.approx(-sum(math.log(chance) for chance in allowed), rel=1e-5)
    assert loss[1] == text_loss()(logits, TARGETS)[1]


@pytest.mark.parametrize("name", ["cross-entropy", "focal", "dice"])
def test_an_item_that_may_hide_a_label_is_not_taught_to_be_none(name: str) -> None:
    logits = torch.tensor([[[0.0, 0.0, 3.0]]], requires_grad=True)
    hidden = torch.tensor([[False, False, True]])
    loss = text_loss(name=name)(logits, ItemTargets(torch.tensor([[NONE]]), hidden)).sum()
    (slope,) = torch.autograd.grad(loss, logits)
    assert slope[0, 0, 2] <= 0  # the hidden label may stay
    assert slope[0, 0, 1] > 0  # the label that was annotated and is absent may not


@pytest.mark.parametrize("name", ["cross-entropy", "focal", "dice"])
def test_uncounted_items_have_no_slope(name: str, logits: Tensor) -> None:
    logits.requires_grad_()
    text_loss(name=name)(logits, TARGETS).sum().backward()
    assert not logits.grad[CLASSES == UNCOUNTED].any()
    assert logits.grad[CLASSES != UNCOUNTED].any(1).all()


def test_negative_sampling_keeps_all_entities_and_a_share_of_the_rest() -> None:
    classes = torch.zeros(1, 10000, dtype=torch.long)
    classes[0, ::100] = 1
    logits = torch.zeros(1, 10000, 3, requires_grad=True)
    loss_of = text_loss(negative_sampling=0.3)
    loss_of(logits, ItemTargets(classes, None)).sum().backward()
    kept = logits.grad[0].any(1)
    assert kept[classes[0] == 1].all()
    assert kept[classes[0] == NONE].float().mean().item() == pytest.approx(0.3, abs=0.02)


def test_negative_sampling_follows_the_seed_and_the_generator() -> None:
    logits, targets = torch.randn(1, 50, 3), ItemTargets(torch.zeros(1, 50).long(), None)
    loss_of = text_loss(negative_sampling=0.5)

    def seeded(seed: int) -> float:
        torch.manual_seed(seed)
        return loss_of(logits, targets).item()

    assert seeded(1) == seeded(1) != seeded(2)
    drawn = [loss_of(logits, targets, torch.Generator().manual_seed(7)).item() for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_nothing_is_left_out_when_not_training() -> None:
    logits, targets = torch.randn(1, 50, 3), ItemTargets(torch.zeros(1, 50).long(), None)
    sampled = text_loss(negative_sampling=0.1).eval()
    assert torch.equal(sampled(logits, targets), text_loss()(logits, targets))


def test_balanced_weights_favour_rare_labels_and_are_one_on_average() -> None:
    counts = {"often": 900, "rare": 9}
    often, rare, never = balanced_weights(counts, ["often", "rare", "never"])
    assert rare / often == pytest.approx(10)
    assert never / rare == pytest.approx(3)  # as if it had been seen once
    assert 900 * often + 9 * rare + never == pytest.approx(910)
    tenfold = balanced_weights({"often": 9000, "rare": 90}, ["often", "rare"])
    assert tenfold == pytest.approx(balanced_weights(counts, ["often", "rare"]))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"name": "hinge"}, "cross-entropy, focal, dice, not 'hinge'"),
        ({"focal_gamma": -1.0}, "focal_gamma"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"negative_sampling": 0.0}, "negative_sampling"),
        ({"name": "dice", "label_smoothing": 0.1}, "means nothing to the dice loss"),
        ({"label_weights": [1.0, 0.0]}, "above 0"),
        ({"label_weights": [1.0]}, "1 label_weights for 2 labels"),
    ],
)
def test_contradictory_options_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        text_loss(**options)
