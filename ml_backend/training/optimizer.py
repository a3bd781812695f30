"""AdamW with a rate for each kind of parameter, and how the rates rise and fall."""

import math
from typing import Any

import torch
from torch import nn

from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.model import Model

_SWA_BEGINS = 0.75  # share of the steps
_LEAST = 0.02  # of the rate, at the end of a linear fall


def new_optimizer(model: Model, config: TrainingConfig) -> torch.optim.AdamW:
    """Four rates in one optimizer: pretrained, new, tables of new features, CRF transitions.

    Vectors (biases, norms) and tables do not decay: a table's row is met too seldom to resist,
    and a transition is a log weight, not a direction. Frozen parameters are left out.
    """
    pretrained = {id(parameter) for parameter in model.encoder.pretrained_parameters()}
    transitions = {id(parameter) for parameter in model.head.transition_parameters()}
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        rate, decay = config.learning_rate, config.weight_decay
        if id(parameter) in transitions:
            rate, decay = config.crf_learning_rate, 0.0
        elif id(parameter) in pretrained:
            rate = config.encoder_learning_rate
        if id(parameter) in tables or parameter.dim() < 2:
            decay = 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    options: list[dict[str, Any]] = [
        {"params": parameters, "lr": rate, "weight_decay": decay, "full_rate": rate}
        for (rate, decay), parameters in groups.items()
    ]
    return torch.optim.AdamW(options, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's rate to this share of its full one."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["full_rate"]


def rate_factor(step: int, steps: int, config: TrainingConfig) -> float:
    """The share of the full rates at which `step` of `steps` is taken, counted from 1.

    It rises in a line over the first `warm_up` of the steps, then falls in a line to a fiftieth
    or along half a cosine to nothing. Where SWA averages, the rate stays as it is
    (Izmailov et al. 2018, arXiv:1803.05407): weights that hardly move are their own average.
    """
    if config.averaging == "swa":
        step = min(step, swa_begins(steps))
    rising = max(1, round(config.warm_up * steps))
    if step <= rising:
        return step / rising
    gone = (step - 1 - rising) / max(1, steps - rising)  # 0 … below 1
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * gone))
    return max(_LEAST, 1 - gone)


def swa_begins(steps: int) -> int:
    """The step whose weights are the first that SWA averages; 0: the first of all."""
    return math.floor(_SWA_BEGINS * steps)
