"""The training loop, from seed to chosen weights, top to bottom."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ml_backend.contract.scoring import Scores
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.model import Model
from ml_backend.tagger.positions import Target
from ml_backend.tagger.predict import Tagger, one_thread
from ml_backend.training import state
from ml_backend.training.adversary import FastGradient
from ml_backend.training.averaging import Average
from ml_backend.training.batches import BatchPlan, PlannedBatch
from ml_backend.training.dataset import TrainingData
from ml_backend.training.distributed import Processes, processes
from ml_backend.training.entity_swap import EntitySwap
from ml_backend.training.evaluate import evaluate
from ml_backend.training.network import new_model
from ml_backend.training.optimizer import new_optimizer, rate_factor, set_rates
from ml_backend.training.state import Course
from ml_backend.training.warm_start import load_champion, warm_start

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class DivergedError(Exception):
    """The loss is no number any more."""

    def __init__(self, step: int):
        self.step = step
        super().__init__(f"the loss at step {step} is not finite: lower the learning rates")


@dataclass(frozen=True, slots=True)
class Step:
    """How far training is; `dev_f1` is that of the best weights so far, `loss` a text's mean.

    `looked` is the F1 of a look at dev that was taken after this very step.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    dev_f1: float
    looked: float | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights that were best on dev, and how they came to be.

    `start` says what they started as; `resumed` is the step from which this call went on, 0 if it
    began.
    """

    model: Model
    dev: Scores
    steps: int
    epochs: float
    start: str
    resumed: int


def fit(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    device: torch.device,
    watch: Callable[[Step], None],
    resume_in: Path | None = None,
    start_from: Path | None = None,
) -> Fitted:
    """Train; `watch` is called after each step and may raise to stop.

    The same data, options and seed give the same weights on a CPU; on a GPU too where torch has a
    deterministic kernel (it warns where not), with the same GPU and the same torch and CUDA. A
    training that was killed goes on from the folder `resume_in`, where it is saved every
    `save_every` steps, and ends with the very weights that it would have had. `start_from` is the
    folder of a version whose weights are gone on from, where they fit (see `warm_start`).

    Under torchrun every process calls this, on the same data; the first one watches and saves, and
    all return the same. Raises DivergedError, and CheckpointError for what `start_from` holds.
    """
    if config.encoder == BuiltinEncoder.name:
        one_thread()
    team = processes(device)
    own = [team.device] if team.device.type == "cuda" else []
    with torch.random.fork_rng(own), _deterministic(team.device):
        torch.manual_seed(seed)
        return _fit(data, config, seed, team, watch, resume_in, start_from)


def _fit(
    data: TrainingData,
    config: TrainingConfig,
    seed: int,
    team: Processes,
    watch: Callable[[Step], None],
    resume_in: Path | None,
    start_from: Path | None,
) -> Fitted:
    champion = load_champion(start_from, data.mapping) if start_from is not None else None
    model = new_model(data, config, champion)
    start = "new weights" if champion is None else warm_start(model, champion)
    model.to(team.device)
    together = config.accumulation * team.size  # batches of a step
    texts = [one.text for one in data.train]
    plan = BatchPlan.of(
        [len(text) for text in texts],
        model.encoder.reader().sizes(texts),
        config,
        seed=seed,
        together=together,
    )
    steps = plan.steps(config, together=together)
    looks = {round(steps * (look + 1) / config.looks) for look in range(config.looks)}
    course = Course(
        model,
        Average(model, config, steps=steps),
        new_optimizer(model, config),
        torch.amp.GradScaler(team.device.type, enabled=config.precision == "fp16"),
    )
    mark = state.mark_of(data, config, seed=seed, together=together)
    if resume_in is not None:
        state.resume(course, resume_in, mark)
    resumed = course.step

    learner = Learner(data, config, seed, team, model)
    stream = plan.stream(first=course.step * together)
    while course.step < steps and course.waited <= config.patience:
        course.step += 1
        batches = list(islice(stream, together))
        set_rates(course.optimizer, rate_factor(course.step, steps, config))
        course.optimizer.zero_grad(set_to_none=True)
        loss = learner.learn(batches, course.scaler)
        course.scaler.unscale_(course.optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        course.scaler.step(course.optimizer)
        course.scaler.update()
        course.average.update(model, course.step)
        if not math.isfinite(loss):
            raise DivergedError(course.step)
        course.loss = loss if course.step == 1 else 0.95 * course.loss + 0.05 * loss
        course.epochs = batches[-1].epochs

        looked = _look(course, data, team) if course.step in looks else None
        if team.rank == 0:
            dev_f1 = course.scores.micro.f1 if course.scores else 0.0
            watch(Step(course.step, steps, course.epochs, course.loss, dev_f1, looked))
            if resume_in is not None and course.step % config.save_every == 0:
                state.save(course, resume_in, mark)
    assert course.best is not None
    assert course.scores is not None
    best = course.average.model
    best.load_state_dict(course.best)
    return Fitted(best.eval(), course.scores, course.step, course.epochs, start, resumed)


class Learner:
    """Adds up the gradients of a step's batches: this process's share of them."""

    def __init__(
        self, data: TrainingData, config: TrainingConfig, seed: int, team: Processes, model: Model
    ):
        self._examples, self._seed, self._team = data.train, seed, team
        self._swap = EntitySwap(data.train, config.swap, seed=seed)
        self._model, self._joined = model.train(), team.joined(model)
        self._reader = model.encoder.reader()
        self._precision = _PRECISIONS[config.precision]
        self._attack: FastGradient | None = None
        if config.fgm:
            self._attack = FastGradient(cast(nn.Module, model.encoder), config.fgm)

    def learn(self, batches: Sequence[PlannedBatch], scaler: torch.amp.GradScaler) -> float:
        """Leave the gradient of the step's loss in the parameters, and return the loss.

        It is the mean over the texts of all batches, each with its weight.
        """
        weight = sum(self._examples[place].weight for one in batches for place in one.examples)
        loss = torch.zeros((), dtype=torch.double, device=self._team.device)
        mine = batches[self._team.rank :: self._team.size]
        for planned in mine:
            last = planned is mine[-1]
            # dropout is the batch's own, whichever process learns it, before or after a kill
            torch.manual_seed(_batch_seed(self._seed, planned.number))
            if self._attack is None:
                loss += self._backward(planned, weight, scaler, last)
                continue
            with self._attack.noted():
                loss += self._backward(planned, weight, scaler, False)
            with self._attack.moved():
                self._backward(planned, weight, scaler, last)
        return float(self._team.total(loss)) / self._team.size

    def _backward(
        self, planned: PlannedBatch, weight: float, scaler: torch.amp.GradScaler, last: bool
    ) -> Tensor:
        device = self._team.device
        examples = [self._swap.example(place, planned.number) for place in planned.examples]
        batch = self._reader.read([e.text for e in examples], [e.entities for e in examples])
        gold = [Target(e.entities, e.missing) for e in examples]
        targets = self._model.targets(gold, batch).to(device)
        with nullcontext() if last else self._team.apart(self._joined):
            with torch.autocast(
                device.type, self._precision, enabled=self._precision != torch.float32
            ):
                losses = self._joined(batch.to(device), targets)  # (texts,)
            weights = losses.new_tensor([e.weight for e in examples])
            # the processes' gradients are averaged, and their losses are to be added
            loss = (losses * weights).sum() / weight * self._team.size
            scaler.scale(loss).backward()
        detached: Tensor = loss.detach()
        return detached


def _look(course: Course, data: TrainingData, team: Processes) -> float:
    """Score the averaged weights on dev and keep them if they are the best so far; their F1."""
    record = None
    if team.rank == 0:
        record = evaluate(Tagger(course.average.model, team.device), data.dev).to_dict()
    scores = Scores.from_dict(team.from_first(record))
    f1, best_f1 = scores.micro.f1, course.scores.micro.f1 if course.scores else 0.0
    course.waited = 0 if f1 > best_f1 or best_f1 == 0.0 else course.waited + 1
    if f1 >= best_f1:  # of two equally good ones the later has seen more
        course.scores = scores
        course.best = {
            name: tensor.clone() for name, tensor in course.average.model.state_dict().items()
        }
    return f1


def _batch_seed(seed: int, number: int) -> int:
    # hashed, because a CPU's generator reads 32 bits of it
    return int.from_bytes(hashlib.sha256(f"batch {seed} {number}".encode()).digest()[:4])


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
