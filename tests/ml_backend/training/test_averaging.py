import pytest
import torch
from torch import Tensor

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.training.averaging import Average

STEPS = 8


def tiny() -> Model:
    labels = LabelSet(("A",))
    known = Knowledge.of(["서울에서"], [[]], labels, least_symbols=1, least_strings=1)
    encoder = BuiltinEncoder.of(known, symbol_size=3, evidence_size=3, hidden=2)
    return Model(encoder, CrfHead(labels, encoder.size))


def flat(model: Model) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def walk(averaging: str, steps: int = STEPS, average: Average | None = None, first: int = 1):
    """Random weights at each step, their averages, and the average itself."""
    config = TrainingConfig.from_dict({"averaging": averaging, "ema": 0.7})
    model = tiny()
    average = average or Average(model, config, steps=STEPS)
    weights, averages = [], []
    for step in range(first, steps + 1):
        torch.manual_seed(step)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_()
        average.update(model, step)
        weights.append(flat(model))
        averages.append(flat(average.model))
    return weights, averages, average


def test_none_is_the_weights_as_they_are() -> None:
    weights, averages, _ = walk("none")
    assert all(torch.equal(w, a) for w, a in zip(weights, averages, strict=True))


def test_swa_is_the_mean_since_three_quarters_of_the_steps() -> None:
    weights, averages, _ = walk("swa")
    assert all(torch.equal(w, a) for w, a in zip(weights[:6], averages[:6], strict=True))
    assert torch.allclose(averages[6], (weights[5] + weights[6]) / 2, atol=1e-6)
    assert torch.allclose(averages[7], sum(weights[5:8]) / 3, atol=1e-6)


def test_ema_forgets_by_its_decay_and_quicker_at_first() -> None:
    weights, averages, _ = walk("ema")
    expected = weights[0]
    for step, new in enumerate(weights[1:], 2):
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * new
        assert torch.allclose(averages[step - 1], expected, atol=1e-6)


@pytest.mark.parametrize("averaging", ["ema", "swa", "none"])
def test_an_average_that_was_saved_goes_on_to_the_bit(averaging: str) -> None:
    _, whole, _ = walk(averaging)
    _, _, before = walk(averaging, steps=7)
    config = TrainingConfig.from_dict({"averaging": averaging, "ema": 0.7})
    after = Average(tiny(), config, steps=STEPS)
    after.restore(before.model.state_dict(), before.averaged)
    _, rest, _ = walk(averaging, average=after, first=8)
    assert torch.equal(rest[0], whole[7])


def test_the_average_takes_no_gradient_and_leaves_the_model_its_own() -> None:
    model = tiny()
    average = Average(model, TrainingConfig(), steps=STEPS)
    assert not any(parameter.requires_grad for parameter in average.model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
