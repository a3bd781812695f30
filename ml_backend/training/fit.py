"""The training loop, from seed to chosen weights, top to bottom."""

import copy
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from ml_backend.contract.scoring import Scores
from ml_backend.tagger.model import Model
from ml_backend.tagger.positions import Target
from ml_backend.tagger.predict import Tagger, one_thread
from ml_backend.training.config import TrainingConfig
from ml_backend.training.dataset import TrainingData, batches
from ml_backend.training.evaluate import evaluate
from ml_backend.training.network import new_model


@dataclass(frozen=True, slots=True)
class Step:
    """How far training is; `dev_f1` is that of the best weights so far."""

    step: int
    steps: int
    epoch: float
    loss: float
    dev_f1: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights that were best on dev, and how they came to be."""

    model: Model
    dev: Scores
    steps: int
    epochs: float


def fit(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    device: torch.device,
    watch: Callable[[Step], None],
) -> Fitted:
    """Train; `watch` is called after each step and may raise to stop.

    The same data, options and seed give the same weights on a CPU; on a GPU too where torch has a
    deterministic kernel (it warns where not), with the same GPU and the same torch and CUDA.
    """
    one_thread()
    with torch.random.fork_rng(), _deterministic(device):
        torch.manual_seed(seed)
        return _fit(data, config, random.Random(seed), device, watch)


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """Have torch take its deterministic kernels on a GPU; on a CPU ours all are."""
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS begins
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)


def _fit(
    data: TrainingData,
    config: TrainingConfig,
    rng: random.Random,
    device: torch.device,
    watch: Callable[[Step], None],
) -> Fitted:
    model = new_model(data, config).to(device)
    reader = model.encoder.reader()
    batch_size = _batch_size(len(data.train), config)
    steps_an_epoch = -(-len(data.train) // batch_size)
    steps = min(max(config.epochs * steps_an_epoch, config.min_steps), config.max_steps)
    optimizer = _optimizer(model, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_up_then_decay(config, steps))
    average = copy.deepcopy(model).requires_grad_(False)
    best, waited = copy.deepcopy(average), 0
    best_scores: Scores | None = None
    looks = {round(steps * (look + 1) / config.looks) for look in range(config.looks)}
    loss_now = 0.0

    model.train()
    for step, examples in enumerate(batches(data.train, batch_size, rng), 1):
        batch = reader.read([e.text for e in examples], [e.entities for e in examples])
        gold = [Target(e.entities, e.missing) for e in examples]
        targets = model.targets(gold, batch).to(device)
        loss = model(batch.to(device), targets).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        schedule.step()
        # the average follows quickly at first, so that short trainings have one too
        decay = min(config.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        loss_now = loss.item() if step == 1 else 0.95 * loss_now + 0.05 * loss.item()

        if step in looks:
            scores = evaluate(Tagger(average, device), data.dev)
            f1, best_f1 = scores.micro.f1, best_scores.micro.f1 if best_scores else 0.0
            waited = 0 if f1 > best_f1 or best_f1 == 0.0 else waited + 1
            if f1 >= best_f1:  # of two equally good ones the later has seen more
                best.load_state_dict(average.state_dict())
                best_scores = scores
        dev_f1 = best_scores.micro.f1 if best_scores else 0.0
        watch(Step(step, steps, step / steps_an_epoch, loss_now, dev_f1))
        if step == steps or waited > config.patience:
            break
    assert best_scores is not None
    return Fitted(best.eval(), best_scores, step, step / steps_an_epoch)


def _batch_size(examples: int, config: TrainingConfig) -> int:
    """Small batches suit little gold; they double while the steps would not see it all."""
    size = config.batch_documents
    while size * 2 <= config.most_batch_documents and (
        config.epochs * examples > size * config.max_steps
    ):
        size *= 2
    return size


def _optimizer(model: Model, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW with a rate of its own for the transitions; tables of features do not decay."""
    groups: dict[str, list[torch.nn.Parameter]] = {"net": [], "tables": [], "crf": []}
    tables = {
        id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)
    }
    transitions = {id(parameter) for parameter in model.head.transition_parameters()}
    for parameter in model.parameters():
        name = "tables" if id(parameter) in tables else "net"
        groups["crf" if id(parameter) in transitions else name].append(parameter)
    options: list[dict[str, Any]] = [
        {"params": groups["net"], "weight_decay": config.weight_decay},
        {"params": groups["tables"]},
        {"params": groups["crf"], "lr": config.crf_learning_rate},
    ]
    return torch.optim.AdamW(options, lr=config.learning_rate, weight_decay=0.0, fused=True)


def _warm_up_then_decay(config: TrainingConfig, steps: int) -> Callable[[int], float]:
    rising = max(1, round(config.warm_up * steps))

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return max(0.02, (steps - step) / max(1, steps - rising))

    return factor
