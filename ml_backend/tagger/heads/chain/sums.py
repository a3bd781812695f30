"""Sums over all sequences of a chain: partition, marginals and expected transitions.

A sum of products of exponentials is a matrix product, so nothing here is in log space: scores
become factors, the emissions of a position divided by the largest of them and each row of sums by
its total, and the logarithms of what was divided out are kept (Rabiner 1989, V.A). That is exact
while no factor vanishes, which `precision` sees to; scores of any size are the business of
`steep.py`. What is illegal or barred has the score minus infinity and the factor 0.

Emissions are packed, (total, tags), where nothing else is said; transitions are (tags, tags),
from row to column.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ml_backend.tagger.heads.chain.packing import Packing

# A legal sequence joins any other within two steps, and one more where a text or what is known of
# it begins or ends. So a tag that lies further behind the best of its position than the numbers
# reach, exp(-87) or exp(-708), has at most that times exp(4 * span) of the probability, where
# `span` is how far apart the scores are that meet at one position: 1e-9 and 1e-99 at these bounds.
_SINGLE, _DOUBLE = 16.0, 120.0


def precision(emissions: Tensor, *others: Tensor) -> torch.dtype | None:
    """In what the sums are right, None where no factors will do; waits for the device.

    `others` are the scores of start, transitions and end.
    """
    lowest = emissions.amin(1)
    if bool((lowest == -torch.inf).any()):
        lowest = emissions.masked_fill(emissions == -torch.inf, torch.inf).amin(1)
    span = (emissions.amax(1) - lowest).amax()
    largest = [o.masked_fill(o == -torch.inf, 0.0).abs().amax() for o in others]
    nats = float(span + 2 * torch.stack(largest).amax())
    if nats < _SINGLE:
        return emissions.dtype
    return torch.double if nats < _DOUBLE else None


@dataclass(frozen=True, slots=True)
class Factors:
    """Exponentials of a chain's scores."""

    emissions: Tensor  # (total, tags), the largest of each row 1
    shift: Tensor  # (total, 1) logarithm of what a row was divided by
    start: Tensor  # (tags,)
    transitions: Tensor  # (tags, tags)
    end: Tensor  # (tags,)

    @classmethod
    def of(
        cls, emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor, kind: torch.dtype
    ) -> "Factors":
        """From scores; the emissions are used up."""
        shift = emissions.amax(1, keepdim=True)
        return cls(
            emissions.sub_(shift).to(kind).exp_(),
            shift,
            *(scores.to(kind).exp() for scores in (start, transitions, end)),
        )


@dataclass(frozen=True, slots=True)
class Lattice:
    """What can come before and after each tag of a packed batch, without a gradient.

    `forward` sums the beginnings up to a tag and its emission, `backward` all that follows it,
    each up to a factor of its row; `forward_log` is the logarithm of the forward factor.
    """

    factors: Factors
    packing: Packing
    forward: Tensor  # (total, tags)
    forward_log: Tensor  # (total,) double
    backward: Tensor  # (total, tags)
    log_partition: Tensor  # (batch,) double

    @classmethod
    def of(cls, factors: Factors, packing: Packing) -> "Lattice":
        """Sum from both ends."""
        forward, totals = _forward(factors, packing.sizes)
        backward, _ = _backward(factors, packing.sizes)
        log = _logarithm(totals, factors, packing)
        return cls(
            factors, packing, forward, log, backward, _finished(forward, log, factors, packing)
        )

    def joint(self) -> Tensor:
        """P(tag at position) up to a factor of the row, (total, tags)."""
        return self.forward * self.backward

    def log_until(self, rows: Tensor, tags: Tensor) -> Tensor:
        """log of the summed weight of all beginnings that end in these tags, (n,), double."""
        return self.forward[rows, tags].double().log() + self.forward_log[rows]

    def log_onward(self, rows: Tensor, steps: Tensor) -> Tensor:
        """log of the summed weight of all that goes on from these rows, entered by `steps`,
        scores (n, tags): (n,), double."""
        backward = self.backward[rows].double()
        # at every row the sequences sum to the partition, so that this gives the backward factor
        joint = (self.forward[rows] * backward).sum(1).log()
        backward_log = self.log_partition[self.packing.texts[rows]] - joint - self.forward_log[rows]
        ahead = self.factors.emissions[rows] * backward * steps.double().exp()
        return ahead.sum(1).log() + self.factors.shift[rows].squeeze(1) + backward_log


class Surprise(torch.autograd.Function):
    """log of the summed weight of all sequences, less that of one where `tags` names it: (batch,).

    The gradient is written down, not traced: that of an emission is its tag's marginal, that of a
    transition the expected number of times it is made, both less what the named sequence has.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,  # (batch, positions, tags)
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        factors: Factors,  # of all these
        packing: Packing,
        tags: Tensor | None,  # (batch, positions)
    ) -> Tensor:
        forward, totals = _forward(factors, packing.sizes)
        ctx.save_for_backward(forward)
        ctx.factors, ctx.packing, ctx.tags = factors, packing, tags
        ctx.kinds = emissions.dtype, transitions.dtype
        log = _logarithm(totals, factors, packing)
        partition = _finished(forward, log, factors, packing)
        if tags is None:
            return partition
        return partition - weight_of(emissions, start, transitions, end, tags, packing.lengths)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (forward,) = ctx.saved_tensors
        factors: Factors = ctx.factors
        packing: Packing = ctx.packing
        kind, parameters = ctx.kinds
        backward, divisors = _backward(factors, packing.sizes)
        weight = gradient.to(forward.dtype)[packing.texts].unsqueeze(1)  # (total, 1)
        moves = torch.zeros_like(factors.transitions)
        onward = torch.empty_like(weight)  # factor of the pairs of a row with the next one
        every = forward, backward, factors.emissions, weight, divisors, onward
        for prior, sums, after, emissions, weights, divisor, pair in packing.blocks(*every):
            joint = sums * after  # (rows, tags)
            share = weights / joint.sum(1, keepdim=True)
            torch.div(share, divisor, out=pair)
            if len(prior):
                moves.addmm_((forward[prior] * onward[prior]).T, after * emissions)
            torch.mul(joint, share, out=after)
        moves *= factors.transitions
        marginals = packing.unpack(backward.to(kind))
        if ctx.tags is not None:
            named = torch.where(packing.there, -gradient.unsqueeze(1), 0.0)  # (batch, positions)
            marginals.scatter_add_(2, ctx.tags.unsqueeze(2), named.to(kind).unsqueeze(2))
            pairs = ctx.tags[:, :-1], ctx.tags[:, 1:]
            moves.index_put_(pairs, named[:, 1:].to(moves.dtype), accumulate=True)
        last = marginals[torch.arange(len(gradient), device=forward.device), packing.lengths - 1]
        return (
            marginals,
            marginals[:, 0].sum(0).to(parameters),
            moves.to(parameters),
            last.sum(0).to(parameters),
            *[None] * 3,
        )


def weight_of(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    tags: Tensor,
    lengths: Tensor,
) -> Tensor:
    """log weight of one sequence a text, (batch,), double; emissions and tags are padded."""
    steps = emissions.gather(2, tags.unsqueeze(2)).squeeze(2).double()
    steps = steps + torch.cat([start[tags[:, :1]], transitions[tags[:, :-1], tags[:, 1:]]], dim=1)
    positions = torch.arange(tags.size(1), device=tags.device)
    steps = steps.where(positions < lengths.unsqueeze(1), 0.0)
    return steps.sum(1) + end[tags.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)]


def _forward(factors: Factors, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Sums up to each tag, (total, tags), and what each row was divided by, (total, 1)."""
    sums = torch.empty_like(factors.emissions)
    totals = sums.new_ones(len(sums), 1)
    by_position, divisors, emissions = (
        torch.split(x, sizes) for x in (sums, totals, factors.emissions)
    )
    last = torch.mul(emissions[0], factors.start, out=by_position[0])
    for size, here, divisor, emission in zip(
        sizes[1:], by_position[1:], divisors[1:], emissions[1:], strict=True
    ):
        if size < last.size(0):
            last = last[:size]
        torch.mm(last, factors.transitions, out=here).mul_(emission)
        last = here.div_(torch.sum(here, 1, keepdim=True, out=divisor))
    return sums, totals


def _backward(factors: Factors, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Sums of what follows each tag, (total, tags), and what each row was divided by."""
    sums = torch.empty_like(factors.emissions)
    divisors = sums.new_ones(len(sums), 1)
    back = factors.transitions.T.contiguous()  # (to, from)
    on, ahead = 0, sums[:0]  # texts that have a next position, and their sums with its emissions
    for size, here, divisor, emission in zip(
        *map(
            reversed, (sizes, *(torch.split(x, sizes) for x in (sums, divisors, factors.emissions)))
        ),
        strict=True,
    ):
        reached = here
        if on < size:
            here[on:] = factors.end
            reached, divisor = here[:on], divisor[:on]
        if on:
            torch.mm(ahead, back, out=reached)
            reached.div_(torch.sum(reached, 1, keepdim=True, out=divisor))
        on, ahead = size, here * emission
    return sums, divisors


def _logarithm(totals: Tensor, factors: Factors, packing: Packing) -> Tensor:
    """log of all that was divided out of a row of the forward sums, (total,), double."""
    return packing.running((totals.double().log() + factors.shift).squeeze(1))


def _finished(forward: Tensor, log: Tensor, factors: Factors, packing: Packing) -> Tensor:
    """log of the summed weight of all sequences, (batch,), double."""
    weight = (forward[packing.last] * factors.end).sum(1)  # no matrix product: autocast spares sums
    return weight.double().log() + log[packing.last]
