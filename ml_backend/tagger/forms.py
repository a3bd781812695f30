"""The forms in which a trained model is served: the same weights in other numbers.

| form | the encoder's linear layers | recurrent layers, the head's linear | the head's sums |
| ---- | --------------------------- | ----------------------------------- | --------------- |
| fp32 | fp32                        | fp32                                | fp32            |
| bf16 | bfloat16                    | bfloat16                            | fp32            |
| int8 | 8 bits                      | bfloat16                            | fp32            |

On a CPU a transformer of BERT's kind reads without padding in any form, and its layers of 8 bits
have fixed scales (FusedInt8); those of others find theirs in each batch (Int8Linear). On a GPU
there is no int8, and a transformer exists compiled too (fp32-compiled, bf16-compiled): a small
batch is over there before its operations are launched one by one. Which form a version is served
in was chosen on dev when it was made; its weights are saved as they were trained.
"""

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import nn

from ml_backend.tagger.encoders.fused import (
    Bounds,
    Make,
    MakeInt8,
    Observer,
    Separate,
    fused,
    has_fused,
    separate,
)
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
from ml_backend.tagger.windows import WINDOW

Numbers = Literal["fp32", "bf16", "int8"]
FormName = Literal["fp32", "bf16", "int8", "fp32-compiled", "bf16-compiled"]
FORMS: tuple[FormName, ...] = get_args(FormName)
_TOGETHER = 32  # texts
_SHAPES = ((2, 8), (3, 17), (1, 17))  # of batches; a single row is compiled by itself

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """A form, and for int8 the bounds of what a transformer's linear layers read; none where they
    find them in each batch."""

    name: FormName = "fp32"
    bounds: tuple[Bounds, ...] = ()


FP32 = Form()


def available(model: Model, device: torch.device) -> tuple[FormName, ...]:
    """The model's forms on this device, fp32 first."""
    if device.type == "cpu":
        return ("fp32", "bf16", "int8") if has_int8() else ("fp32", "bf16")
    if isinstance(model.encoder, PretrainedEncoder):
        return ("fp32", "bf16", "fp32-compiled", "bf16-compiled")
    return ("fp32", "bf16")


def form_for(model: Model, name: FormName, texts: Sequence[str]) -> Form:
    """The form of this name, its bounds as they are on these texts, of which none is empty."""
    encoder = model.encoder
    if name != "int8" or not isinstance(encoder, PretrainedEncoder) or not has_fused("int8"):
        return Form(name)
    observer = Observer()
    transformer = packed(encoder.transformer, observer)
    if transformer is None or not texts:
        return Form(name)
    reader = encoder.reader()
    with torch.inference_mode():
        for first in range(0, len(texts), _TOGETHER):
            some = [text[:WINDOW] for text in texts[first : first + _TOGETHER]]
            batch = reader.read(some)
            transformer(batch.ids, batch.mask)
    return Form(name, tuple(observer.bounds))


def in_form(model: Model, form: Form, device: torch.device) -> Model:
    """A copy of the model on the device that predicts in this form; it cannot be trained or saved.

    A form that does not exist there gives fp32, which every version was judged in too.
    """
    name = form.name
    if name not in available(model, device) or (form.bounds and not has_fused("int8")):
        name = "fp32"
    numbers = _NUMBERS[name]
    served = copy.deepcopy(model).to(device).eval().requires_grad_(False)
    if device.type == "cpu" and isinstance(served.encoder, PretrainedEncoder):
        transformer = packed(served.encoder.transformer, _make(numbers, form.bounds))
        if transformer is not None:
            served.encoder.transformer = transformer
    if numbers != "fp32":
        linear = _LINEAR[numbers]
        _replace(served, nn.RNNBase, Bf16Recurrent)
        encoder = served.get_submodule("encoder")
        _replace(encoder, nn.Conv1d, partial(LinearConvolution.of, linear=linear))
        _replace(encoder, nn.Linear, linear)
        _replace(served, nn.Linear, Bf16Linear)
    if name != numbers and isinstance(served.encoder, PretrainedEncoder):
        served.encoder.transformer = compiled(served.encoder.transformer)
    return served


def compiled(transformer: nn.Module, backend: str | Callable[..., Any] = "inductor") -> nn.Module:
    """The transformer compiled for batches of any shape; itself where that does not succeed.

    All is compiled here, so that no prediction waits for it: a minute or two the first time, from
    torch's cache on disk afterwards.
    """
    made: Any = torch.compile(transformer, dynamic=True, backend=backend)
    device = next(transformer.parameters()).device
    try:
        with torch.inference_mode():
            for shape in _SHAPES:
                ids = torch.ones(shape, dtype=torch.long, device=device)
                made(input_ids=ids, attention_mask=torch.ones_like(ids))
    except Exception as error:  # of any compiler that it needs and does not find
        _log.warning("the transformer is served as it is, it could not be compiled: %s", error)
        return transformer
    compiled_module: nn.Module = made
    return compiled_module


def _make(name: Numbers, bounds: Sequence[Bounds]) -> Make:
    """What makes a packed transformer's linear layers."""
    if name == "int8":
        return MakeInt8(bounds, Int8Linear)
    if name == "bf16":
        return lambda layer, *, then=None, into=None: Separate(Bf16Linear(layer), then)
    return fused if has_fused("fp32") else separate


def _replace(module: nn.Module, kind: type, new: Callable[[Any], nn.Module]) -> None:
    """Put a new layer in the place of each one of this kind, at any depth."""
    for name, child in list(module.named_children()):
        if isinstance(child, kind):
            setattr(module, name, new(child))
        else:
            _replace(child, kind, new)


_NUMBERS: dict[FormName, Numbers] = {
    "fp32": "fp32",
    "bf16": "bf16",
    "int8": "int8",
    "fp32-compiled": "fp32",
    "bf16-compiled": "bf16",
}
_LINEAR: dict[Numbers, Callable[[nn.Linear], nn.Module]] = {
    "bf16": Bf16Linear,
    "int8": Int8Linear,
}
