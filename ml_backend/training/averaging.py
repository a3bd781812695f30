"""The weights that are judged and kept: an average along the way of those that are trained."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.optim.swa_utils import PARAM_LIST, AveragedModel

from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.model import Model
from ml_backend.training.optimizer import swa_begins

_Mean = Callable[[PARAM_LIST, PARAM_LIST, Tensor | int], None]


class Average:
    """One of three averages of a model's parameters over the steps.

    `ema`: exponential, `ema` of the old and the rest of the new, quicker at first so that short
    trainings have one too. `swa`: the plain mean since three quarters of the steps, before that
    the weights as they are (Izmailov et al. 2018, arXiv:1803.05407). `none`: as they are.
    """

    def __init__(self, model: Model, config: TrainingConfig, *, steps: int):
        mean = _exponential(config.ema) if config.averaging == "ema" else _equal
        self._begins = {"ema": 0, "swa": swa_begins(steps), "none": steps}[config.averaging]
        self._averaged = AveragedModel(model, multi_avg_fn=mean).requires_grad_(False)

    @property
    def model(self) -> Model:
        """The average as a model of its own, whose parameters take no gradient."""
        return cast(Model, self._averaged.module)

    @property
    def averaged(self) -> int:
        """How many sets of weights are in it."""
        return int(self._averaged.n_averaged)

    def update(self, model: Model, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        if step <= self._begins:
            self._averaged.n_averaged.zero_()  # the next update copies
        self._averaged.update_parameters(model)

    def restore(self, weights: dict[str, Tensor], averaged: int) -> None:
        """Go on from an average that was saved."""
        self.model.load_state_dict(weights)
        self._averaged.n_averaged.fill_(averaged)


@torch.no_grad()
def _equal(average: PARAM_LIST, new: PARAM_LIST, averaged: Tensor | int) -> None:
    torch._foreach_lerp_(average, new, 1 / (int(averaged) + 1))


def _exponential(decay: float) -> _Mean:
    @torch.no_grad()
    def update(average: PARAM_LIST, new: PARAM_LIST, averaged: Tensor | int) -> None:
        step = int(averaged) + 1
        torch._foreach_lerp_(average, new, 1 - min(decay, (1 + step) / (10 + step)))

    return update
