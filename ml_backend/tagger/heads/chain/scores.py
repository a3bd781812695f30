"""A batch's emissions with a chain's transitions: everything that can be asked of them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ml_backend.tagger.heads.chain import steep
from ml_backend.tagger.heads.chain.packing import Packing
from ml_backend.tagger.heads.chain.sums import Factors, Lattice, Surprise, precision, weight_of
from ml_backend.tagger.heads.chain.viterbi import Structure, best_paths, second_gaps

_HALF = math.log(0.5)


@dataclass(frozen=True, slots=True)
class Segments:
    """Parts of texts with a tag at each of their positions, and tags that may not come next."""

    texts: Tensor  # (n,)
    starts: Tensor  # (n,)
    widths: Tensor  # (n,) at least 1, within the text
    tags: Tensor  # (n, widest), anything beyond the width
    barred: Tensor  # (n, tags) bool


@dataclass(frozen=True)
class Scores:
    """Log weights of all tag sequences of a batch; what is illegal weighs minus infinity.

    Emissions are padded, (batch, positions, tags); lengths (batch,), each at least 1. Sums come
    in double precision. Minus infinity in the emissions bars a tag.
    """

    emissions: Tensor
    lengths: Tensor
    start: Tensor  # (tags,)
    transitions: Tensor  # (tags, tags), from row to column
    end: Tensor  # (tags,)
    structure: Structure

    @cached_property
    def packing(self) -> Packing:
        """The order in which the chain is run."""
        return Packing.of(self.lengths, self.emissions.size(1))

    @cached_property
    def factors(self) -> Factors | None:
        """What is summed and multiplied; None where only log space can hold the scores."""
        with torch.no_grad():
            packed, others = self.packing.pack(self.emissions), self._others()
            kind = precision(packed, *others)
            return None if kind is None else Factors.of(packed, *others, kind)

    @cached_property
    def lattice(self) -> Lattice | None:
        """Forward and backward sums, without a gradient; None where there are no factors."""
        with torch.no_grad():
            return None if self.factors is None else Lattice.of(self.factors, self.packing)

    def log_partition(self) -> Tensor:
        """log of the summed weight of all sequences, (batch,)."""
        return self._surprise(None)

    def log_probability(self, tags: Tensor) -> Tensor:
        """log P of one sequence a text, (batch,); tags are (batch, positions)."""
        return -self._surprise(tags)

    @torch.no_grad()
    def log_chance(self, tags: Tensor) -> Tensor:
        """`log_probability` without a gradient, by the sums that are there already."""
        if self.lattice is None:
            return self.log_probability(tags)
        return self.log_weight(tags) - self.lattice.log_partition

    def log_weight(self, tags: Tensor) -> Tensor:
        """log weight of one sequence a text, (batch,); tags are (batch, positions)."""
        return weight_of(self.emissions, *self._others(), tags, self.lengths)

    def _surprise(self, tags: Tensor | None) -> Tensor:
        """The log-partition, less the log weight of the sequences where there are some."""
        if self.factors is None:
            total = steep.log_partition(self.emissions, *self._others(), self.packing)
            return total if tags is None else total - self.log_weight(tags)
        surprise: object = Surprise.apply(  # type: ignore[no-untyped-call]
            self.emissions, *self._others(), self.factors, self.packing, tags
        )
        assert isinstance(surprise, Tensor)
        return surprise

    @torch.no_grad()
    def best(self) -> Tensor:
        """The heaviest sequences by Viterbi, (batch, positions), 0 in the padding."""
        packed = self.packing.pack(self.emissions)
        return best_paths(packed, *self._others(), self.structure, self.packing)

    @torch.no_grad()
    def second_gaps(self) -> Tensor:
        """log P of the heaviest sequence less that of the second heaviest, (batch,)."""
        packed = self.packing.pack(self.emissions)
        return second_gaps(packed, *self._others(), self.structure, self.packing)

    @torch.no_grad()
    def marginals(self) -> Tensor:
        """P(tag at position), packed: (total, tags)."""
        if self.lattice is not None:
            joint = self.lattice.joint()
            return joint / joint.sum(1, keepdim=True)
        with torch.inference_mode(False), torch.enable_grad():
            emissions = self.emissions.detach().clone().requires_grad_()
            some = replace(self, emissions=emissions, lengths=self.lengths.clone())
            (marginals,) = torch.autograd.grad(some.log_partition().sum(), emissions)
        return self.packing.pack(marginals)

    @torch.no_grad()
    def most_probable(self) -> tuple[Tensor, Tensor]:
        """The heaviest sequences, as `best`, and their log probabilities, (batch,).

        A sequence with more than half of the probability is the heaviest, and then the most
        probable tag of each position is its own. So the sums, which are needed anyway, decide the
        sure texts; Viterbi is left with the others.
        """
        if self.lattice is None:
            paths = self.best()
            return paths, self.log_probability(paths)
        paths = self.packing.unpack(self.lattice.joint().argmax(1))
        log_probability = self.log_weight(paths) - self.lattice.log_partition
        unsure = (log_probability <= _HALF).nonzero().flatten()
        if len(unsure):
            some = self._of(unsure, self.emissions[unsure])
            paths[unsure] = better = some.best()
            log_probability[unsure] = some.log_weight(better) - self.lattice.log_partition[unsure]
        return paths, log_probability

    @torch.no_grad()
    def log_probability_of(self, segments: Segments) -> Tensor:
        """log of the summed probability of all sequences that have a segment and then none of
        its barred tags: (n,)."""
        lattice = self.lattice
        if lattice is None:
            constrained = self._of(segments.texts, self._constrained(segments)).log_partition()
            return constrained - self.log_partition()[segments.texts]
        packing, texts = self.packing, segments.texts
        lengths, ends = self.lengths[texts], segments.starts + segments.widths
        places = torch.arange(segments.tags.size(1), device=texts.device)
        inside = places < segments.widths.unsqueeze(1)  # (n, widest)
        positions = segments.starts.unsqueeze(1) + places.where(inside, 0)
        emitted = self.emissions[texts.unsqueeze(1), positions, segments.tags].double()
        moves = self.transitions[segments.tags[:, :-1], segments.tags[:, 1:]].double()
        along = (emitted[:, 1:] + moves).where(inside[:, 1:], 0.0).sum(1)
        until = lattice.log_until(packing.row(texts, segments.starts), segments.tags[:, 0])

        last = segments.tags.gather(1, segments.widths.unsqueeze(1) - 1).squeeze(1)
        steps = self.transitions[last].masked_fill(segments.barred, -torch.inf)  # (n, tags)
        onward = lattice.log_onward(packing.row(texts, ends.minimum(lengths - 1)), steps)
        out = torch.where(ends < lengths, onward, self.end[last].double())
        return until + along + out - lattice.log_partition[texts]

    def _others(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.start, self.transitions, self.end

    def _constrained(self, segments: Segments) -> Tensor:
        """Emissions of each segment's text that allow only what has the segment."""
        emissions = self.emissions[segments.texts].clone()  # (n, positions, tags)
        for row, (start, width) in enumerate(
            zip(segments.starts.tolist(), segments.widths.tolist(), strict=True)
        ):
            kept = segments.tags[row, :width].unsqueeze(1)
            inside = emissions[row, start : start + width]
            inside.copy_(
                torch.full_like(inside, -torch.inf).scatter(1, kept, inside.gather(1, kept))
            )
            after = emissions[row, start + width : start + width + 1]
            after.masked_fill_(segments.barred[row], -torch.inf)
        return emissions

    def _of(self, texts: Tensor, emissions: Tensor) -> "Scores":
        """The same of other emissions, those of these texts."""
        return replace(self, emissions=emissions, lengths=self.lengths[texts])
