"""Viterbi: the heaviest sequence of each text, without a loop over texts.

Most tags of a scheme may follow any finished tag; the few others have one or two predecessors.
The maximum over pairs is taken for the first kind only, the second is a short list.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml_backend.tagger.heads.chain.packing import Packing

_FEW = 2  # predecessors up to which a tag is listed


@dataclass(frozen=True, slots=True)
class Structure:
    """Legal transitions: `dense` tags are reached from `sources`, each `listed` one from a few.

    `predecessors` is (few, listed), in its spare places tags that do not lead there.
    """

    sources: Tensor
    dense: Tensor
    listed: Tensor
    predecessors: Tensor

    @classmethod
    def of(cls, legal: Tensor) -> "Structure":
        """Read the structure off a mask of legal transitions, (tags, tags), from row to column."""
        few = legal.sum(0) <= _FEW
        dense, listed = (~few).nonzero().flatten(), few.nonzero().flatten()
        sources = legal[:, dense].any(1).nonzero().flatten()
        into = legal[:, listed].to(torch.int8)
        width = int(into.sum(0).max()) if len(listed) else 0
        predecessors = into.argsort(dim=0, descending=True, stable=True)[:width]
        return cls(sources, dense, listed, predecessors.contiguous())


def best_paths(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    structure: Structure,
    packing: Packing,
) -> Tensor:
    """The tags of each text's heaviest sequence, (batch, positions), 0 in the padding.

    Emissions are packed, (total, tags); what is illegal in the scores is minus infinity. The way
    back is recomputed along the path instead of stored for every tag.
    """
    best = _best_scores(emissions, start, transitions, structure, packing.sizes)
    path = torch.empty(len(best), dtype=torch.long, device=best.device)  # (total,)
    # a text's last tag is chosen by its end, each tag before that by the one after it
    path[packing.last] = (best[packing.last] + end).argmax(1)
    into = transitions.T.contiguous()  # (to, from)
    by_position, paths = (torch.split(x, packing.sizes) for x in (best, path))
    for position in range(len(packing.sizes) - 1, 0, -1):
        size = packing.sizes[position]
        before = into.index_select(0, paths[position]).add_(by_position[position - 1][:size])
        torch.argmax(before, 1, out=paths[position - 1][:size])
    return packing.unpack(path)


def second_gaps(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    structure: Structure,
    packing: Packing,
) -> Tensor:
    """How much lighter than the heaviest each text's second heaviest sequence is, (batch,).

    That has another tag at some position. So it is found by the heaviest sequence through each
    tag of each position, from both ends: the best of those that are not the best of their row.
    Emissions are packed and finite. Infinity where there is no second sequence.
    """
    ahead = _best_scores(emissions, start, transitions, structure, packing.sizes)
    back = transitions.T.contiguous()
    reverse = Structure.of(back > -torch.inf)
    mirror = packing.mirror()
    behind = _best_scores(emissions[mirror], end, back, reverse, packing.sizes)[mirror]
    heaviest, second = (ahead + behind - emissions).topk(2, dim=1).values.unbind(1)
    gaps = packing.unpack(heaviest - second)
    return gaps.masked_fill(~packing.there, torch.inf).amin(1)


def _best_scores(
    emissions: Tensor, start: Tensor, transitions: Tensor, structure: Structure, sizes: list[int]
) -> Tensor:
    """The score of the heaviest beginning that ends in each tag, up to a constant a row."""
    sources, dense, listed = structure.sources, structure.dense, structure.listed
    block = transitions[sources][:, dense].unsqueeze(2)  # (sources, dense, 1)
    steps = transitions[structure.predecessors, listed]  # (few, listed)
    best = torch.empty_like(emissions)
    by_position, scores = (torch.split(x, sizes) for x in (best, emissions))
    torch.add(scores[0], start, out=by_position[0])
    for position in range(1, len(sizes)):
        last, here = by_position[position - 1][: sizes[position]], by_position[position]
        last = last - last.amax(1, keepdim=True)
        # texts innermost: both the sum and the maximum run along memory
        columns = last.index_select(1, sources).T.contiguous().unsqueeze(1)
        here.index_copy_(1, dense, (columns + block).amax(0).T)  # (sources, dense, texts)
        if len(listed):
            reached = last.index_select(1, structure.predecessors[0]).add_(steps[0])
            for tags, step in zip(structure.predecessors[1:], steps[1:], strict=True):
                other = last.index_select(1, tags).add_(step)
                torch.maximum(reached, other, out=reached)
            here.index_copy_(1, listed, reached)
        here += scores[position]
    return best
