"""Linear layers of a transformer with what follows them in the same pass, by oneDNN.

An activation or an addition costs a pass over memory of its own where it is a step of its own;
oneDNN does both while the sums are at hand. Weights are laid out for this processor when a layer
is made. For predicting on a CPU; never saved.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Callable[[Tensor], Tensor]
Bounds = tuple[float, float]  # the lowest and the highest number that a layer reads
_PROBE = torch.linspace(-9, 9, 99)
_ROWS = 512  # for which a layout is chosen; any number can be read


class Layer(Protocol):
    """A linear layer and what follows it; also an `nn.Module`."""

    def __call__(self, states: Tensor, onto: Tensor | None = None) -> Tensor:
        """(…, in) to (…, out), activated, added to `onto`."""
        ...


class Make(Protocol):
    """Turns a linear layer into one of some kind, with the activation that follows it, and the
    layer which reads that."""

    def __call__(
        self, layer: nn.Linear, *, then: Activation | None = None, into: Layer | None = None
    ) -> Layer: ...


class Separate(nn.Module):
    """Any linear layer, each step on its own."""

    def __init__(self, layer: nn.Module, then: Activation | None = None):
        super().__init__()
        self.layer, self._then = layer, then

    def forward(self, states: Tensor, onto: Tensor | None = None) -> Tensor:
        """(…, in) to (…, out)"""
        result: Tensor = self.layer(states)
        if self._then is not None:
            result = self._then(result)
        return result if onto is None else result.add_(onto)


class Fused(nn.Module):
    """In fp32."""

    def __init__(self, layer: nn.Linear, then: Activation | None = None):
        super().__init__()
        self._weight: Any = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), _ROWS)
        self._bias = _bias(layer)
        self._step, self._then = _step(then)

    def forward(self, states: Tensor, onto: Tensor | None = None) -> Tensor:
        """(…, in) to (…, out)"""
        product = torch.ops.mkldnn._linear_pointwise
        if onto is not None:
            added: Tensor = product.binary(states, onto, self._weight, self._bias, "add")
            return added
        result: Tensor = product(states, self._weight, self._bias, self._step, [], "none")
        return result if self._then is None else self._then(result)


class FusedInt8(nn.Module):
    """Weights of 8 bits with a scale for each output, states of 8 bits on a scale that is fixed:
    from the lowest to the highest number that was seen when the version was made. What lies
    beyond is taken for the end of the scale, so that a text reads the same in any company.
    """

    def __init__(
        self,
        layer: nn.Linear,
        bounds: Bounds,
        then: Activation | None = None,
        into: Layer | None = None,
    ):
        super().__init__()
        low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)  # 0 is exact
        self.scale = max((high - low) / 255, 1e-9)
        self.zero = round(-low / self.scale)
        weight = layer.weight.detach()
        self._scales = weight.abs().amax(1).clamp(min=1e-12) / 127  # (out,)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        with warnings.catch_warnings():  # tensors of this type are to go some day; see has_fused
            warnings.simplefilter("ignore", UserWarning)
            rounded = torch.quantize_per_channel(
                weight, self._scales, self._zeros.long(), 0, torch.qint8
            )
        self._weight: Any = torch.ops.onednn.qlinear_prepack(rounded.int_repr(), None)
        self._bias = _bias(layer)
        self._step, self._then = _step(then)
        self._onward: tuple[float, int, torch.dtype] = (1.0, 0, torch.float32)
        if isinstance(into, FusedInt8) and self._then is None:  # what reads it needs bytes
            self._onward = (into.scale, into.zero, torch.uint8)

    def forward(self, states: Tensor, onto: Tensor | None = None) -> Tensor:
        """(…, in) to (…, out); `onto` is used up"""
        read = states if states.dtype == torch.uint8 else self._bytes(states)
        about = (read, self.scale, self.zero, self._weight, self._scales, self._zeros)
        product = torch.ops.onednn.qlinear_pointwise
        if onto is not None:
            sums: tuple[Any, ...] = (1.0, 0, torch.float32, 1.0, 0, "sum", 1.0, "none", [], "")
            added: Tensor = product.binary(*about, onto, self._bias, *sums)
            return added
        result: Tensor = product(*about, self._bias, *self._onward, self._step, [], "none")
        return result if self._then is None else self._then(result)

    def _bytes(self, states: Tensor) -> Tensor:
        found = torch.quantize_per_tensor(states, self.scale, self.zero, torch.quint8)
        shape = found.shape, found.stride()
        return torch.empty(0, dtype=torch.uint8).set_(found.untyped_storage(), 0, *shape)


class MakeInt8:
    """Makes layers of 8 bits for the bounds of one after the other, in the order in which a
    transformer's layers are made; without bounds by `other`."""

    def __init__(self, bounds: Sequence[Bounds], other: Callable[[nn.Linear], nn.Module]):
        self._bounds: Iterator[Bounds] = iter(bounds)
        self._other = other

    def __call__(
        self, layer: nn.Linear, *, then: Activation | None = None, into: Layer | None = None
    ) -> Layer:
        """The next layer."""
        bounds = next(self._bounds, None)
        if bounds is None:
            return Separate(self._other(layer), then)
        return FusedInt8(layer, bounds, then, into)


class Observer:
    """Makes layers that note the bounds of what they read; `bounds` is in the order of making."""

    def __init__(self) -> None:
        self._layers: list[_Observed] = []

    def __call__(
        self, layer: nn.Linear, *, then: Activation | None = None, into: Layer | None = None
    ) -> Layer:
        """The next layer."""
        self._layers.append(_Observed(layer, then))
        return self._layers[-1]

    @property
    def bounds(self) -> list[Bounds]:
        """What each layer has read until now."""
        return [(layer.low, layer.high) for layer in self._layers]


class _Observed(Separate):
    low, high = math.inf, -math.inf

    def forward(self, states: Tensor, onto: Tensor | None = None) -> Tensor:
        low, high = torch.aminmax(states.detach())
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        return super().forward(states, onto)


def separate(
    layer: nn.Linear, *, then: Activation | None = None, into: Layer | None = None
) -> Layer:
    """Make a layer of which each step is its own, as it was trained."""
    return Separate(layer, then)


def fused(layer: nn.Linear, *, then: Activation | None = None, into: Layer | None = None) -> Layer:
    """Make a layer in fp32."""
    return Fused(layer, then)


def has_fused(form: Literal["fp32", "int8"]) -> bool:
    """Whether this build of torch has what these layers are made of, and the processor what makes
    them fast: for bytes its own instructions, without which sums of them may overflow."""
    if not torch._C._has_mkldnn:
        return False
    if form == "fp32":
        return _has(torch.ops.mkldnn, "_reorder_linear_weight", "_linear_pointwise")
    return (
        _has(torch.ops.onednn, "qlinear_prepack", "qlinear_pointwise")
        and _has(torch, "quantize_per_channel", "quantize_per_tensor")
        and torch.cpu._is_vnni_supported()
    )


def _has(namespace: Any, *names: str) -> bool:
    return all(hasattr(namespace, name) for name in names)


def _bias(layer: nn.Linear) -> Tensor | None:
    return None if layer.bias is None else layer.bias.detach()


def _step(then: Activation | None) -> tuple[str, Activation | None]:
    """oneDNN's name of the activation, and the activation itself where oneDNN has it not."""
    if then is None:
        return "none", None
    if torch.allclose(then(_PROBE), functional.gelu(_PROBE), rtol=0, atol=1e-6):
        return "gelu", None
    return "none", then
