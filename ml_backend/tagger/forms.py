"""The forms in which a trained model is served: the same weights in other numbers.

| form | the encoder's linear layers | recurrent layers, the head's linear | the head's sums |
| ---- | --------------------------- | ----------------------------------- | --------------- |
| fp32 | fp32                        | fp32                                | fp32            |
| bf16 | bfloat16                    | bfloat16                            | fp32            |
| int8 | 8 bits (Int8Linear)         | bfloat16                            | fp32            |

On a CPU a transformer of BERT's kind reads without padding in any form. Which form a version is
served in was chosen on dev when it was made; its weights are saved as they were trained. On a GPU
only fp32 and bf16 exist.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import nn

from ml_backend.tagger.encoders.packed import packed
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.model import Model
from ml_backend.tagger.number_formats import (
    Bf16Linear,
    Bf16Recurrent,
    Int8Linear,
    LinearConvolution,
    has_int8,
)

FormName = Literal["fp32", "bf16", "int8"]
FORMS: tuple[FormName, ...] = get_args(FormName)


def available(device: torch.device) -> tuple[FormName, ...]:
    """The forms that exist on this device, fp32 first."""
    if device.type == "cpu" and has_int8():
        return FORMS
    return ("fp32", "bf16")


def in_form(model: Model, form: FormName, device: torch.device) -> Model:
    """A copy of the model on the device that predicts in this form; it cannot be trained or saved.

    A form that does not exist there gives fp32, which every version was judged in too.
    """
    if form not in available(device):
        form = "fp32"
    served = copy.deepcopy(model).to(device).eval().requires_grad_(False)
    linear = _LINEAR[form]
    if device.type == "cpu" and isinstance(served.encoder, PretrainedEncoder):
        transformer = packed(served.encoder.transformer, linear)
        if transformer is not None:
            served.encoder.transformer = transformer
    if form != "fp32":
        _replace(served, nn.RNNBase, Bf16Recurrent)
        encoder = served.get_submodule("encoder")
        _replace(encoder, nn.Conv1d, partial(LinearConvolution.of, linear=linear))
        _replace(encoder, nn.Linear, linear)
        _replace(served, nn.Linear, Bf16Linear)
    return served


def _replace(module: nn.Module, kind: type, new: Callable[[Any], nn.Module]) -> None:
    """Put a new layer in the place of each one of this kind, at any depth."""
    for name, child in list(module.named_children()):
        if isinstance(child, kind):
            setattr(module, name, new(child))
        else:
            _replace(child, kind, new)


def _as_it_is(layer: nn.Linear) -> nn.Module:
    return layer


_LINEAR: dict[FormName, Callable[[nn.Linear], nn.Module]] = {
    "fp32": _as_it_is,
    "bf16": Bf16Linear,
    "int8": Int8Linear,
}
