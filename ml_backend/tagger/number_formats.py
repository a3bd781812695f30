"""Layers in the number formats that a processor multiplies faster than fp32; fp32 in, fp32 out.

They are made from trained layers, predict only, and are never saved.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Bf16Linear(nn.Module):
    """Weights and states in bfloat16, sums in fp32."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear):
        super().__init__()
        bias = None if layer.bias is None else layer.bias.detach().bfloat16()
        self.register_buffer("weight", layer.weight.detach().bfloat16())
        self.register_buffer("bias", bias)

    def forward(self, states: Tensor) -> Tensor:
        """(…, in) to (…, out)"""
        return functional.linear(states.bfloat16(), self.weight, self.bias).to(states.dtype)


class Bf16Recurrent(nn.Module):
    """An LSTM or a GRU in bfloat16."""

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        self.layer = copy.deepcopy(layer).bfloat16()
        self.layer.flatten_parameters()

    def forward(self, states: Tensor) -> tuple[Tensor, None]:
        """What the layer makes of the states, batch first or not as it was; its last state is
        not kept."""
        return self.layer(states.bfloat16())[0].to(states.dtype), None


class Int8Linear(nn.Module):
    """Weights of 8 bits with a scale for each output, states of 7 bits with one scale for all.

    With 7 bits no instruction saturates on the way to the 32-bit sum, so that processors with and
    without VNNI compute the same integers. For the CPU only.
    """

    def __init__(self, layer: nn.Linear):
        super().__init__()
        weight = layer.weight.detach()
        bias = None if layer.bias is None else layer.bias.detach()
        scales = weight.abs().amax(1).clamp(min=1e-12) / 127  # (out,)
        zeros = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():  # tensors of this type are to go some day; see has_int8
            warnings.simplefilter("ignore", UserWarning)
            quantized = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self._packed: Any = torch.ops.quantized.linear_prepack(quantized, bias)

    def forward(self, states: Tensor) -> Tensor:
        """(…, in) to (…, out)"""
        result: Tensor = torch.ops.quantized.linear_dynamic(states, self._packed, True)
        return result


class LinearConvolution(nn.Module):
    """A convolution over places as one linear layer over each place's neighbourhood."""

    def __init__(self, layer: nn.Conv1d, linear: Callable[[nn.Linear], nn.Module]):
        super().__init__()
        (self._width,), self._padding = layer.kernel_size, int(layer.padding[0])
        near = layer.weight.detach().transpose(1, 2).flatten(1)  # (out, width * in)
        whole = nn.Linear(near.size(1), near.size(0), bias=layer.bias is not None)
        with torch.no_grad():
            whole.weight.copy_(near)
            if layer.bias is not None:
                whole.bias.copy_(layer.bias)
        self._linear = linear(whole)

    @classmethod
    def of(cls, layer: nn.Conv1d, *, linear: Callable[[nn.Linear], nn.Module]) -> nn.Module:
        """The convolution in another form, or itself where it strides, dilates or groups."""
        shape = (layer.stride, layer.dilation, layer.groups, layer.padding_mode)
        if shape != ((1,), (1,), 1, "zeros") or isinstance(layer.padding, str):
            return layer
        return cls(layer, linear)

    def forward(self, states: Tensor) -> Tensor:
        """(batch, in, places) to (batch, out, places)"""
        wide = functional.pad(states.transpose(1, 2), (0, 0, self._padding, self._padding))
        batch, places, size = wide.shape
        shape = (batch, places - self._width + 1, self._width * size)
        near = wide.contiguous().as_strided(shape, (places * size, size, 1))  # they overlap
        result: Tensor = self._linear(near).transpose(1, 2)
        return result


def has_int8() -> bool:
    """Whether this build of torch still has, for this processor, what Int8Linear is made of."""
    return torch.backends.quantized.engine != "none" and all(
        hasattr(namespace, name)
        for namespace, name in (
            (torch, "quantize_per_channel"),
            (torch.ops.quantized, "linear_prepack"),
            (torch.ops.quantized, "linear_dynamic"),
        )
    )
