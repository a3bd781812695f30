"""A transformer compiled, by the tracing of torch's compiler alone: what makes code of what it
traced needs a GPU or a C++ compiler, which a test has not."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import forms
from ml_backend.tagger.encoders import hub
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.forms import Form, FormName, available, compiled, in_form
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.vocabulary import Vocabulary
from tests.ml_backend.tagger.small_tokenizers import ARCHITECTURES, SENTENCES, encoder_folder

CPU, GPU = torch.device("cpu"), torch.device("cuda")
TEXTS = [*SENTENCES, "", "a", "museum " * 40]


class Traced:
    """A backend that runs what was traced as it is, and counts how often something was."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: Any, inputs: Any) -> Any:
        self.graphs += 1
        return graph.forward


@pytest.fixture
def traced() -> Traced:
    torch.compiler.reset()
    return Traced()


@pytest.fixture
def model(tmp_path: Path) -> Model:
    torch.manual_seed(0)
    labels, vocabulary = LabelSet(("PER", "ORG")), Vocabulary.of(SENTENCES, least=1)
    encoder = PretrainedEncoder.load(encoder_folder(tmp_path, "electra"), labels, vocabulary)
    return Model(encoder, CrfHead(labels, encoder.size)).eval()


def read(transformer: nn.Module, rows: int, width: int) -> torch.Tensor:
    """What it makes of rows of different lengths, zeros in the padding."""
    with torch.inference_mode():
        ids = torch.arange(rows * width).view(rows, width) % 7 + 1
        mask = (torch.arange(width) <= torch.arange(rows).unsqueeze(1) % width).long()
        states: torch.Tensor = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
    return states * mask.unsqueeze(2)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_batches_of_any_shape_are_read_as_before_and_nothing_is_compiled_again(
    kind: str, traced: Traced, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    transformer, _ = hub.load(encoder_folder(tmp_path / kind, kind))
    transformer.eval()
    made = compiled(transformer, backend=traced)
    assert made is not transformer
    graphs = traced.graphs
    assert graphs > 0
    for rows, width in [(2, 8), (1, 5), (7, 30), (32, 16), (64, 40), (1, 2)]:
        found, expected = read(made, rows, width), read(transformer, rows, width)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert traced.graphs == graphs


def test_what_cannot_be_compiled_is_served_as_it_is(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no compiler here")

    torch.compiler.reset()
    transformer = model.get_submodule("encoder.transformer")
    with caplog.at_level(logging.WARNING, logger=forms.__name__):
        assert compiled(transformer, backend=broken) is transformer
    assert "no compiler here" in caplog.text


@pytest.mark.parametrize("form", ["fp32", "bf16"])
def test_a_compiled_form_predicts_what_the_form_does(
    form: FormName, model: Model, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "packed", lambda *made_of: None)  # as on a GPU
    expected = Tagger(model, CPU, form=Form(form)).predict(TEXTS)
    monkeypatch.setattr(forms, "available", lambda model, device: available(model, GPU))
    monkeypatch.setattr(forms, "compiled", partial(compiled, backend=traced))
    name: Any = f"{form}-compiled"
    found = Tagger(model, CPU, form=Form(name)).predict(TEXTS)
    assert traced.graphs > 0
    for ours, theirs in zip(found, expected, strict=True):
        assert [(e.start, e.end, e.label) for e in ours.entities] == [
            (e.start, e.end, e.label) for e in theirs.entities
        ]
        assert ours.confidence == pytest.approx(theirs.confidence, rel=1e-3)


def test_only_a_gpu_has_compiled_forms(model: Model, traced: Traced) -> None:
    assert "bf16-compiled" in available(model, GPU)
    assert "bf16-compiled" not in available(model, CPU)
    served = in_form(model, Form("bf16-compiled"), CPU)
    assert {p.dtype for p in served.parameters()} == {torch.float32}
