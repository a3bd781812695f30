"""The same sums for scores of any size: in log space, over all pairs of tags, and slow.

Scores this steep come from networks that have gone astray, or from hand-made emissions; they are
right here too, and nothing is infinite or not a number.
"""

import torch
from torch import Tensor

from ml_backend.tagger.heads.chain.packing import Packing

_BARRED = -1e30  # finite, so that a sum over nothing but barred tags has a gradient of zero


def log_partition(
    emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor, packing: Packing
) -> Tensor:
    """log of the summed weight of all sequences, (batch,), double; by autograd differentiable.

    Emissions are padded, (batch, positions, tags); minus infinity bars a tag.
    """
    emissions, start, transitions, end = (
        scores.double().clamp(min=_BARRED) for scores in (emissions, start, transitions, end)
    )
    by_position = torch.split(packing.pack(emissions), packing.sizes)
    score = start + by_position[0]  # (texts, tags)
    finished = []
    for position, size in enumerate(packing.sizes[1:], 1):
        finished.append(score[size:])
        pairs = score[:size].unsqueeze(2) + transitions  # (texts, tags, tags)
        score = pairs.logsumexp(1) + by_position[position]
    finished.append(score)
    # the shortest texts end first and lie last: by rank the longest text comes first again
    ranked = torch.cat(finished[::-1]) + end
    return ranked.logsumexp(1)[packing.first]
