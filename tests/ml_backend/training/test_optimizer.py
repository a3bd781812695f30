import math

import pytest
import torch

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.training.optimizer import new_optimizer, rate_factor, set_rates, swa_begins


class HalfPretrained(BuiltinEncoder):
    """The built-in encoder with an LSTM that counts as pretrained."""

    def pretrained_parameters(self):
        return self.lstm.parameters()


@pytest.fixture
def model() -> Model:
    labels = LabelSet(("A",))
    known = Knowledge.of(["서울에서"], [[]], labels, least_symbols=1, least_strings=1)
    encoder = HalfPretrained.of(known, symbol_size=3, evidence_size=3, hidden=2)
    return Model(encoder, CrfHead(labels, encoder.size))


def test_each_kind_of_parameter_has_its_own_rate_and_decay(model: Model) -> None:
    config = TrainingConfig(
        learning_rate=1e-3, encoder_learning_rate=1e-5, crf_learning_rate=1e-2, weight_decay=0.1
    )
    model.encoder.kind.weight.requires_grad_(False)
    optimizer = new_optimizer(model, config)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert found.keys() == {*names.values()} - {"encoder.kind.weight"}
    assert found["encoder.lstm.0.onward.weight_ih_l0"] == (1e-5, 0.1)
    assert found["encoder.lstm.0.onward.bias_ih_l0"] == (1e-5, 0.0)
    assert found["encoder.symbol.weight"] == found["encoder.jamo.0.weight"] == (1e-3, 0.0)
    assert found["head.emit.weight"] == (1e-3, 0.1)
    assert found["head.emit.bias"] == (1e-3, 0.0)
    assert found["head.crf.transitions"] == found["head.crf.start_transitions"] == (1e-2, 0.0)
    set_rates(optimizer, 0.5)
    set_rates(optimizer, 0.1)
    rates = sorted({group["lr"] for group in optimizer.param_groups})
    assert rates == pytest.approx([1e-6, 1e-4, 1e-3])


def factors(steps: int = 100, **options: object) -> list[float]:
    config = TrainingConfig.from_dict(options)
    return [rate_factor(step, steps, config) for step in range(1, steps + 1)]


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_rates_rise_in_a_line_and_fall(schedule: str) -> None:
    found = factors(warm_up=0.1, schedule=schedule)
    assert found[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert found[9:] == sorted(found[9:], reverse=True)
    half = 55  # of the fall
    assert found[half] == pytest.approx(0.5)
    assert 0 < found[-1] <= 0.02


def test_a_cosine_falls_slowly_at_both_ends() -> None:
    found = factors(warm_up=0.0, schedule="cosine")
    assert found[25] == pytest.approx((1 + math.cos(math.pi * 24 / 99)) / 2)
    assert found[10] > factors(warm_up=0.0, schedule="linear")[10]


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_under_swa_the_rate_stays_while_it_averages(schedule: str) -> None:
    found = factors(averaging="swa", schedule=schedule)
    assert found[: swa_begins(100)] == factors(schedule=schedule)[: swa_begins(100)]
    assert set(found[swa_begins(100) :]) == {found[swa_begins(100) - 1]}
    assert found[-1] > 0.1


def test_the_rates_are_those_of_the_last_step_set(model: Model) -> None:
    optimizer = new_optimizer(model, TrainingConfig(learning_rate=1e-2, weight_decay=0.0))
    before = model.head.emit.weight.detach().clone()
    model.head.emit.weight.grad = torch.ones_like(before)
    set_rates(optimizer, 0.25)
    optimizer.step()
    # the first step of Adam has the size of the rate
    assert torch.allclose(before - model.head.emit.weight, torch.tensor(0.25e-2), rtol=1e-3)
