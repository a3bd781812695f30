"""Choosing the form in which a version is served: on dev, when it is made, before any gate."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.forms import Form, available, form_for
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger, TextPrediction, one_thread
from ml_backend.training.evaluate import judge

LOSS = 0.001  # of strict micro F1 on dev that a faster form may cost, 0.1 points
MARGIN = 1.15  # times faster than the form before it, so that a rerun chooses the same
_SOME, _TURNS = 256, 3

ServingForm = Literal["auto", "fp32", "bf16", "int8"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A form on dev: strict micro F1, and seconds for the texts that were timed."""

    form: Form
    f1: float
    seconds: float
    readings: Sequence[TextPrediction]


@dataclass(frozen=True, slots=True)
class Choice:
    """The form to serve in, what it said of dev, uncalibrated, and each form's figures."""

    form: Form
    readings: Sequence[TextPrediction]
    figures: dict[str, dict[str, float]]


def choose(
    model: Model, dev: Sequence[GoldDocument], name: ServingForm, device: torch.device
) -> Choice:
    """The fastest form that costs at most LOSS of dev's F1, or the one that is named.

    A named form that the device lacks is fp32. Every form is timed in this thread on the same
    texts, in turn; on a CPU by the thread's own seconds, so that what else runs matters little.
    """
    names = available(model, device)
    if name != "auto":
        names = (name,) if name in names else ("fp32",)
    trials = _trials(model, [form_for(model, one, _some(dev)) for one in names], dev, device)
    best = trials[0]
    for trial in trials[1:]:
        if trial.f1 > trials[0].f1 - LOSS - 1e-9 and trial.seconds * MARGIN <= best.seconds:
            best = trial
    return Choice(best.form, best.readings, _figures(trials))


def _trials(
    model: Model, forms: Sequence[Form], dev: Sequence[GoldDocument], device: torch.device
) -> list[Trial]:
    one_thread()
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    texts, timed = [document.text for document in dev], _some(dev)
    taggers = {form: Tagger(model, device, form=form) for form in forms}
    readings = {form: tagger.predict(texts) for form, tagger in taggers.items()}
    seconds: dict[Form, list[float]] = {form: [] for form in taggers}
    for _ in range(_TURNS if len(taggers) > 1 else 1):
        for form, tagger in taggers.items():
            began = clock()
            tagger.predict(timed)
            seconds[form].append(clock() - began)
    return [
        Trial(form, judge(dev, said).micro.f1, statistics.median(seconds[form]), said)
        for form, said in readings.items()
    ]


def _some(dev: Sequence[GoldDocument]) -> list[str]:
    """Texts of dev, evenly spread, none of them empty."""
    texts = [document.text for document in dev if document.text]
    return texts[:: max(1, len(texts) // _SOME)]


def _figures(trials: Sequence[Trial]) -> dict[str, Any]:
    """Of each form the F1 on dev and how many times as fast as the first it was."""
    return {
        trial.form.name: {
            "dev_f1": trial.f1,
            "speed": round(trials[0].seconds / max(trial.seconds, 1e-9), 3),
        }
        for trial in trials
    }
