"""Dropout of whole features: a text has to do without one of them at every position.

Neighbouring positions say much the same, so that what plain dropout takes from one of them stands
in the next (Tompson et al. 2015, "Efficient Object Localization Using Convolutional Networks").
"""

from torch import Tensor, nn
from torch.nn import functional


class SpatialDropout(nn.Module):
    """In training; `share` is that of the features, none of which leaves all as it is."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        """(batch, positions, features) to the same shape"""
        if not (self.training and self.share):
            return states
        dropped: Tensor = functional.dropout1d(states.transpose(1, 2), self.share)
        return dropped.transpose(1, 2)
