"""How much the two heaviest sets of candidate spans weigh, all candidates being allowed.

Weights are (texts, starts, widths, 2): of a candidate's two heaviest labels, against none; most
are negative, minus infinity where there is no candidate. The empty set weighs 0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ml_backend.tagger.heads.scheduling import Range


def second_apart(weights: Tensor, lengths: Tensor) -> Tensor:
    """The two heaviest sets without overlaps, (texts, 2), heaviest first.

    A set's last position is in none of its spans or is the end of one: so the two heaviest sets
    up to a place follow from those up to the places before, and no set comes twice.
    """
    texts, positions, widest, _ = weights.shape
    best = weights.new_full((texts, positions + 1, 2), -torch.inf)
    best[:, 0, 0] = 0.0
    for end in range(1, positions + 1):
        widths = min(widest, end)
        starts = torch.arange(end - 1, end - 1 - widths, -1, device=weights.device)
        last = weights[:, starts, torch.arange(widths, device=weights.device)]  # (texts, widths, 2)
        before = best[:, starts]  # (texts, widths, 2)
        ways = [
            best[:, end - 1],
            (before + last[..., :1]).flatten(1),
            before[..., 0] + last[..., 1],
        ]
        best[:, end] = torch.cat(ways, dim=1).topk(2, dim=1).values
    return best[torch.arange(texts, device=weights.device), lengths]


def second_nested(weights: Tensor, kept: Sequence[Sequence[Range]]) -> Tensor:
    """The heaviest set, whose ranges are `kept`, and the heaviest that one change makes of it,
    (texts, 2): a span dropped or of its second label, or one added and what crosses it dropped."""
    device = weights.device
    starts = torch.arange(weights.size(1), device=device).unsqueeze(1)  # (positions, 1)
    ends = starts + torch.arange(1, weights.size(2) + 1, device=device)  # (positions, widths)
    result = []
    for own, ranges in zip(weights, kept, strict=True):
        heaviest, second = own.unbind(2)  # (positions, widths)
        lost = torch.zeros_like(heaviest)  # by what crosses a candidate
        changed = heaviest.clone()
        total = heaviest.new_zeros(())
        for start, end in ranges:
            weight = heaviest[start, end - start - 1]
            total = total + weight
            crossing = ((starts < start) & (start < ends) & (ends < end)) | (
                (start < starts) & (starts < end) & (end < ends)
            )
            lost = lost + weight * crossing
            changed[start, end - start - 1] = torch.maximum(
                -weight, second[start, end - start - 1] - weight
            )
        result.append(torch.stack([total, total + (changed - lost).amax()]))
    return torch.stack(result)
