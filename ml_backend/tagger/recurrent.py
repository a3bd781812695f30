"""A recurrent layer that reads from both sides, in encoders and in heads."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


class BiRecurrent(nn.Module):
    """A recurrent layer from each side; the one from the end begins at each text's own end."""

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU], size: int, hidden: int):
        super().__init__()
        self.onward = cell(size, hidden, batch_first=True)
        self.back = cell(size, hidden, batch_first=True)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """(batch, positions, size) to (batch, positions, 2 * hidden); void in the padding"""
        places = torch.arange(states.size(1), device=states.device)
        # each text reversed within its own length, the padding behind it; its own inverse
        mirror = ((lengths.unsqueeze(1) - 1 - places) % states.size(1)).unsqueeze(2)
        with _not_in_halves(states.device):
            onward, _ = self.onward(states)
            back, _ = self.back(states.gather(1, mirror.expand_as(states)))
        return torch.cat([onward, back.gather(1, mirror.expand_as(back))], dim=2)


def _not_in_halves(device: torch.device) -> AbstractContextManager[object]:
    """Most CPUs have no recurrent layers in fp16: there they compute in fp32 all the same."""
    kind = device.type
    halves = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
    return torch.autocast(kind, enabled=False) if kind == "cpu" and halves else nullcontext()
