"""A linear chain of tags: partition, marginals and best path, batched and without slow loops.

Everything is in log space, rescaled at each character, so that long texts lose no precision.
Most tags of a scheme may follow any finished tag, and the few others only one or two: the first
kind is a matrix product of exponentials, the second a short list, and the product over all pairs
of tags is never formed where the partition is computed.

Shapes: emissions (chars, batch, tags); lengths (batch,); transitions (tags, tags), from row to
column. A batch is padded at the end and the padding is never read.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_FEW = 2  # predecessors up to which a tag is listed rather than multiplied


@dataclass(frozen=True, slots=True)
class Structure:
    """Which transitions are legal, split into a dense block and short lists.

    `dense` tags are reached from `sources` by a matrix product, each `listed` tag from its few
    predecessors. `listed_from` holds (predecessors, listed tags) and `leads_to` the reverse:
    (successors, tags) as places in `listed`. Missing ones are masked by `_ok`.
    """

    legal: Tensor  # (tags, tags) bool
    sources: Tensor
    dense: Tensor
    listed: Tensor
    listed_from: Tensor
    listed_from_ok: Tensor
    leads_to: Tensor
    leads_to_ok: Tensor

    @classmethod
    def of(cls, legal: Tensor) -> "Structure":
        """Read the structure off a mask of legal transitions."""
        tags = legal.size(0)
        few = legal.sum(0) <= _FEW
        dense, listed = (~few).nonzero().flatten(), few.nonzero().flatten()
        sources = legal[:, dense].any(1).nonzero().flatten()
        listed_from, listed_from_ok = _lists(legal[:, listed].T)
        leads_to, leads_to_ok = _lists(legal[:, listed])
        assert leads_to.size(1) == tags
        return cls(
            legal, sources, dense, listed, listed_from, listed_from_ok, leads_to, leads_to_ok
        )


def _lists(rows: Tensor) -> tuple[Tensor, Tensor]:
    """For each row of a mask the places that are set, padded: (most, rows) and which count."""
    width = int(rows.sum(1).max()) if rows.numel() else 0
    order = rows.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :width]
    return order.T.contiguous(), rows.gather(1, order).T.contiguous()


@dataclass(frozen=True, slots=True)
class Lattice:
    """Forward and backward scores; `forward + forward_scale` is the true logarithm."""

    forward: Tensor  # (chars, batch, tags)
    forward_scale: Tensor  # (chars, batch), double
    backward: Tensor  # (chars, batch, tags)
    backward_scale: Tensor  # (chars, batch), double
    log_partition: Tensor  # (batch,), double

    def log_marginals(self) -> Tensor:
        """log P(tag at character), (chars, batch, tags); what lies in the padding is void."""
        scale = self.forward_scale + self.backward_scale - self.log_partition
        return self.forward + self.backward + scale.to(self.forward.dtype).unsqueeze(2)


def forward_scores(
    emissions: Tensor, start: Tensor, transitions: Tensor, structure: Structure
) -> tuple[Tensor, Tensor]:
    """log of the summed weight of all beginnings that end in a tag, rescaled, and the scales."""
    chars, batch, _ = emissions.shape
    block = _block(transitions, structure).exp()  # (sources, dense)
    listed = _listed_from(transitions, structure).unsqueeze(1)  # (few, 1, listed)
    forward = torch.empty_like(emissions)
    scale = torch.zeros(chars, batch, dtype=torch.double, device=emissions.device)
    forward[0] = start + emissions[0]
    tops = emissions.new_zeros(chars, batch)
    for t in range(1, chars):
        last, here = forward[t - 1], forward[t]
        top = last.amax(1, keepdim=True)
        last = last - top
        reached = (last.index_select(1, structure.sources).exp() @ block).log_()
        here.index_copy_(1, structure.dense, reached)
        if len(structure.listed):
            here.index_copy_(1, structure.listed, _gathered(last, structure.listed_from, listed))
        here += emissions[t]
        tops[t] = top.squeeze(1)
    torch.cumsum(tops.double(), 0, out=scale)
    return forward, scale


def backward_scores(
    emissions: Tensor, end: Tensor, transitions: Tensor, structure: Structure, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """log of the summed weight of all that may follow a tag, rescaled, and the scales."""
    chars, batch, _ = emissions.shape
    block = _block(transitions, structure).exp().T.contiguous()  # (dense, sources)
    leads = _leads_to(transitions, structure).unsqueeze(1)  # (few, 1, tags)
    backward = torch.empty_like(emissions)
    backward[-1] = end
    tops = emissions.new_zeros(chars, batch)
    dense, sources = structure.dense, structure.sources
    for t in range(chars - 2, -1, -1):
        after = backward[t + 1] + emissions[t + 1]
        top = after.amax(1, keepdim=True)
        after = after - top
        here = torch.full_like(after, -torch.inf)
        here.index_copy_(1, sources, (after.index_select(1, dense).exp() @ block).log_())
        if len(structure.listed):
            onward = after.index_select(1, structure.listed)
            here = torch.logaddexp(here, _gathered(onward, structure.leads_to, leads))
        going = (lengths > t + 1).unsqueeze(1)
        torch.where(going, here, end, out=backward[t])
        tops[t] = torch.where(going, top, 0.0).squeeze(1)
    scale = tops.double().flip(0).cumsum(0).flip(0)
    return backward, scale


def log_partition(forward: Tensor, forward_scale: Tensor, end: Tensor, lengths: Tensor) -> Tensor:
    """log of the summed weight of all sequences, (batch,), double."""
    rows = torch.arange(len(lengths), device=lengths.device)
    last = forward[lengths - 1, rows] + end
    return last.logsumexp(1).double() + forward_scale[lengths - 1, rows]


def lattice(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    structure: Structure,
    lengths: Tensor,
) -> Lattice:
    """Run forward and backward."""
    forward, forward_scale = forward_scores(emissions, start, transitions, structure)
    total = log_partition(forward, forward_scale, end, lengths)
    backward, backward_scale = backward_scores(emissions, end, transitions, structure, lengths)
    return Lattice(forward, forward_scale, backward, backward_scale, total)


def best_path(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    structure: Structure,
    lengths: Tensor,
) -> Tensor:
    """Viterbi: the tags of the heaviest sequence, (chars, batch); 0 in the padding.

    The way back is recomputed along the path instead of stored for every tag.
    """
    chars, batch, _ = emissions.shape
    block = _block(transitions, structure)  # (sources, dense)
    listed = _listed_from(transitions, structure).unsqueeze(1)
    into = transitions.masked_fill(~structure.legal, -torch.inf).T.contiguous()  # (to, from)
    best = torch.empty_like(emissions)
    best[0] = start + emissions[0]
    for t in range(1, chars):
        last, here = best[t - 1], best[t]
        last = last - last.amax(1, keepdim=True)
        pairs = last.index_select(1, structure.sources).unsqueeze(2) + block
        here.index_copy_(1, structure.dense, pairs.amax(1))
        if len(structure.listed):
            options = last[:, structure.listed_from].permute(1, 0, 2) + listed
            here.index_copy_(1, structure.listed, options.amax(0))
        here += emissions[t]
    path = torch.zeros(chars, batch, dtype=torch.long, device=emissions.device)
    rows = torch.arange(batch, device=emissions.device)
    final = (best[lengths - 1, rows] + end).argmax(1)
    tag = final
    path[-1] = torch.where(lengths == chars, final, 0)
    for t in range(chars - 2, -1, -1):
        came_from = (best[t] + into[tag]).argmax(1)
        tag = torch.where(lengths > t + 1, came_from, final)
        path[t] = torch.where(lengths > t, tag, 0)
    return path


class LogPartition(torch.autograd.Function):
    """`log_partition` whose gradient is the marginals, not a graph through every character."""

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        structure: Structure,
        lengths: Tensor,
    ) -> Tensor:
        forward, scale = forward_scores(emissions, start, transitions, structure)
        total = log_partition(forward, scale, end, lengths)
        ctx.save_for_backward(emissions, transitions, end, lengths, forward, scale, total)
        ctx.structure = structure
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (gradient,) = gradients  # (batch,)
        emissions, transitions, end, lengths, forward, scale, total = ctx.saved_tensors
        structure: Structure = ctx.structure
        backward, backward_scale = backward_scores(emissions, end, transitions, structure, lengths)
        chars, batch, _ = emissions.shape
        places = torch.arange(chars, device=lengths.device).unsqueeze(1)
        weight = gradient.to(emissions.dtype) * (places < lengths)  # (chars, batch)
        between = Lattice(forward, scale, backward, backward_scale, total)
        marginals = between.log_marginals().exp_() * weight.unsqueeze(2)
        marginals = torch.where((weight != 0).unsqueeze(2), marginals, 0.0)
        rows = torch.arange(batch, device=lengths.device)
        for_start = marginals[0].sum(0)
        for_end = marginals[lengths - 1, rows].sum(0)
        for_transitions = torch.zeros_like(transitions)
        if chars > 1:
            _pair_gradient(for_transitions, emissions, transitions, between, structure, weight[1:])
        return marginals, for_start, for_transitions, for_end, None, None


def _pair_gradient(
    result: Tensor,
    emissions: Tensor,
    transitions: Tensor,
    between: Lattice,
    structure: Structure,
    weight: Tensor,
) -> None:
    """Add the expected number of each transition, weighted by `weight` (chars - 1, batch)."""
    left = between.forward[:-1].flatten(0, 1)  # (pairs, tags)
    right = (between.backward + emissions)[1:].flatten(0, 1)
    scale = between.forward_scale[:-1] + between.backward_scale[1:] - between.log_partition
    live = (weight != 0).flatten()
    left, right = left[live], right[live]
    weight, scale = weight.flatten()[live], scale.flatten()[live].to(left.dtype)
    sources, dense = structure.sources, structure.dense

    from_sources, to_dense = left[:, sources], right[:, dense]
    left_top, right_top = from_sources.amax(1), to_dense.amax(1)
    share = (left_top + right_top + scale).exp() * weight
    expected = ((from_sources - left_top.unsqueeze(1)).exp() * share.unsqueeze(1)).T @ (
        to_dense - right_top.unsqueeze(1)
    ).exp()
    result[sources.unsqueeze(1), dense] += expected * _block(transitions, structure).exp()

    to_listed = right[:, structure.listed] + scale.unsqueeze(1)
    steps = _listed_from(transitions, structure)
    for before, step in zip(structure.listed_from, steps, strict=True):
        chance = (left[:, before] + step + to_listed).exp() * weight.unsqueeze(1)
        result.index_put_((before, structure.listed), chance.sum(0), accumulate=True)


def _block(transitions: Tensor, structure: Structure) -> Tensor:
    """Scores from sources to dense tags, minus infinity where illegal."""
    rows = structure.sources.unsqueeze(1)
    legal = structure.legal[rows, structure.dense]
    return transitions[rows, structure.dense].masked_fill(~legal, -torch.inf)


def _listed_from(transitions: Tensor, structure: Structure) -> Tensor:
    """Scores into the listed tags from each predecessor, (few, listed)."""
    scores = transitions[structure.listed_from, structure.listed]
    return scores.masked_fill(~structure.listed_from_ok, -torch.inf)


def _leads_to(transitions: Tensor, structure: Structure) -> Tensor:
    """Scores from each tag to its listed successors, (few, tags)."""
    tags = torch.arange(transitions.size(0), device=transitions.device)
    scores = transitions[tags, structure.listed[structure.leads_to]]
    return scores.masked_fill(~structure.leads_to_ok, -torch.inf)


def _gathered(values: Tensor, places: Tensor, scores: Tensor) -> Tensor:
    """log-sum over `few` of `values[:, places] + scores`, (batch, columns of places)."""
    result = values.index_select(1, places[0]) + scores[0]
    for place, score in zip(places[1:], scores[1:], strict=True):
        result = torch.logaddexp(result, values.index_select(1, place) + score)
    return result
