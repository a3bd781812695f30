from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.forms import Form
from ml_backend.tagger.predict import TextPrediction
from ml_backend.training import serving_form
from ml_backend.training.serving_form import choose

CPU = torch.device("cpu")
GOLD = [
    GoldDocument(f"d{number}", f"g{number}", "정한울", [Entity(0, 3, "PER")])
    for number in range(2000)
]


@pytest.fixture
def choosing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., serving_form.Choice]:
    """Choose among forms of which each takes so many seconds and gets so many documents wrong."""

    def made(name: str = "auto", **forms: tuple[float, int]) -> serving_form.Choice:
        now = 0.0

        class Tagger:
            def __init__(self, model: Any, device: torch.device, *, form: Form):
                self.seconds, self.wrong = forms[form.name]

            def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
                nonlocal now
                now += self.seconds
                right, wrong = [Entity(0, 3, "PER")], [Entity(0, 2, "PER")]
                return [
                    TextPrediction(wrong if number < self.wrong else right, 0.9)
                    for number in range(len(texts))
                ]

        monkeypatch.setattr(serving_form, "Tagger", Tagger)
        monkeypatch.setattr(serving_form, "form_for", lambda model, name, texts: Form(name))
        monkeypatch.setattr(serving_form, "available", lambda model, device: tuple(forms))
        monkeypatch.setattr("time.thread_time", lambda: now)
        nothing: Any = None
        return choose(nothing, GOLD, name, CPU)  # type: ignore[arg-type]

    return made


def test_the_fastest_of_the_forms_that_cost_nothing(choosing: Any) -> None:
    assert choosing(fp32=(4.0, 100), bf16=(2.0, 101), int8=(1.0, 102)).form.name == "int8"


def test_a_form_that_costs_more_than_a_tenth_of_a_point_is_not_taken(choosing: Any) -> None:
    # 2,000 entities: two more wrong ones are 0.1 points
    assert choosing(fp32=(4.0, 100), bf16=(2.0, 102), int8=(1.0, 103)).form.name == "bf16"


def test_a_form_that_is_hardly_faster_is_not_taken(choosing: Any) -> None:
    assert choosing(fp32=(4.0, 0), bf16=(3.6, 0), int8=(3.5, 0)).form.name == "fp32"
    assert choosing(fp32=(4.0, 0), bf16=(2.0, 0), int8=(1.9, 0)).form.name == "bf16"


def test_a_named_form_is_taken_whatever_it_costs(choosing: Any) -> None:
    chosen = choosing("int8", fp32=(1.0, 0), bf16=(1.0, 0), int8=(5.0, 900))
    assert chosen.form.name == "int8"
    assert chosen.figures.keys() == {"int8"}


def test_a_named_form_that_the_device_lacks_is_fp32(choosing: Any) -> None:
    assert choosing("int8", fp32=(1.0, 0), bf16=(1.0, 0)).form.name == "fp32"


def test_what_the_chosen_form_said_and_all_figures_are_given(choosing: Any) -> None:
    chosen = choosing(fp32=(4.0, 0), bf16=(2.0, 1), int8=(1.0, 500))
    assert [reading.entities[0].end for reading in chosen.readings[:2]] == [2, 3]
    assert chosen.figures["fp32"] == {"dev_f1": 1.0, "speed": 1.0}
    assert chosen.figures["bf16"]["speed"] == 2.0
    assert chosen.figures["int8"]["dev_f1"] == 0.75
