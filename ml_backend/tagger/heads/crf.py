"""A linear-chain CRF over characters: the head whose probabilities are exact.

`start_transitions`, `transitions` and `end_transitions` mean what they mean in pytorch-crf; what
the scheme forbids has weight zero, in training as in decoding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain import (
    Lattice,
    LogPartition,
    Structure,
    best_path,
    lattice,
)
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import Scheme, SchemeName


class CRF(nn.Module):
    """Scores of tag sequences: emissions, and transitions of which only the legal ones count.

    Emissions are (batch, chars, tags), lengths (batch,), each at least 1.
    """

    legal: Tensor
    legal_start: Tensor
    legal_end: Tensor

    def __init__(self, legal: Tensor, legal_start: Tensor, legal_end: Tensor):
        super().__init__()
        tags = len(legal_start)
        self.register_buffer("legal_start", legal_start, persistent=False)
        self.register_buffer("legal_end", legal_end, persistent=False)
        structure = Structure.of(legal)
        for field in fields(Structure):
            self.register_buffer(field.name, getattr(structure, field.name), persistent=False)
        self.start_transitions = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.end_transitions = nn.Parameter(torch.zeros(tags))

    @property
    def structure(self) -> Structure:
        """The legal transitions, on the device of the parameters."""
        return Structure(*(self.get_buffer(field.name) for field in fields(Structure)))

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """log of the summed weight of all legal sequences, (batch,), double."""
        total: object = LogPartition.apply(  # type: ignore[no-untyped-call]
            emissions.transpose(0, 1),
            self._start(),
            self.transitions,
            self._end(),
            self.structure,
            lengths,
        )
        assert isinstance(total, Tensor)
        return total

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log weight of one sequence a text, (batch,), double."""
        return _path_scores(
            emissions, tags, self._start(), self.transitions, self._end(), lengths
        ).sum(1)

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log P(tags), (batch,), double; tags (batch, chars) must be legal."""
        return self.score(emissions, tags, lengths) - self.log_partition(emissions, lengths)

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The most probable sequences, (batch, chars), 0 in the padding."""
        best = best_path(
            emissions.transpose(0, 1),
            self._start(),
            self.transitions,
            self._end(),
            self.structure,
            lengths,
        )
        return best.T

    @torch.no_grad()
    def lattice(self, emissions: Tensor, lengths: Tensor) -> Lattice:
        """Forward and backward scores, from which marginals follow."""
        return lattice(
            emissions.transpose(0, 1),
            self._start(),
            self.transitions,
            self._end(),
            self.structure,
            lengths,
        )

    def _start(self) -> Tensor:
        return self.start_transitions.masked_fill(~self.legal_start, -torch.inf)

    def _end(self) -> Tensor:
        return self.end_transitions.masked_fill(~self.legal_end, -torch.inf)


class CrfHead(nn.Module):
    """Character vectors to entities by way of tags and a CRF."""

    name: ClassVar[str] = "crf"
    goes_on: Tensor

    def __init__(self, labels: LabelSet, size: int, *, scheme: SchemeName = "BIOES"):
        super().__init__()
        self.labels = labels
        self.scheme = Scheme(scheme, labels)
        self.emit = nn.Linear(size, len(self.scheme.tags))
        self.crf = CRF(
            torch.tensor(self.scheme.legal_transitions()),
            torch.tensor(self.scheme.legal_starts()),
            torch.tensor(self.scheme.legal_ends()),
        )
        self.register_buffer("goes_on", torch.tensor(self.scheme.goes_on()), persistent=False)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {"scheme": self.scheme.name}

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """All of the CRF's."""
        return self.crf.parameters()

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> Tensor:
        """What `loss` compares with: tag ids, (batch, chars), 0 in the padding."""
        result = torch.zeros(len(targets), max(lengths), dtype=torch.long)
        for row, (target, length) in enumerate(zip(targets, lengths, strict=True)):
            result[row, :length] = torch.tensor(self.scheme.encode(target.entities, length))
        return result

    def loss(self, states: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of each text, (batch,)."""
        return -self.crf.log_likelihood(self.emit(states), targets, lengths)

    @torch.no_grad()
    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable reading of each text, with exact probabilities.

        An entity's probability is that of all readings which hold it; the confidence is that of
        this very reading.
        """
        emissions = self.emit(states)
        tags = self.crf.decode(emissions, lengths)
        steps = _path_scores(
            emissions,
            tags,
            self.crf._start(),
            self.crf.transitions,
            self.crf._end(),
            lengths,
        )
        between = self.crf.lattice(emissions, lengths)
        confidence = (steps.sum(1) - between.log_partition).exp().clamp(0, 1).tolist()
        spans = [
            self.scheme.decode(row[:length])
            for row, length in zip(tags.tolist(), lengths.tolist(), strict=True)
        ]
        probabilities = self._span_probabilities(emissions, tags, steps, between, lengths, spans)
        return [
            Decoded([Entity(*span, next(probabilities)) for span in found], certainty)
            for found, certainty in zip(spans, confidence, strict=True)
        ]

    def _span_probabilities(
        self,
        emissions: Tensor,
        tags: Tensor,
        steps: Tensor,
        between: Lattice,
        lengths: Tensor,
        spans: list[list[tuple[int, int, str]]],
    ) -> Any:
        """P(span) of each span on the best path: in by the forward score, along the path, and
        out by whatever does not continue the entity."""
        where = [(row, s, e) for row, found in enumerate(spans) for s, e, _ in found]
        if not where:
            return iter(())
        row, start, end = torch.tensor(where, device=tags.device).unbind(1)
        last = end - 1
        along = steps.cumsum(1)
        first_tag, last_tag = tags[row, start], tags[row, last]
        score = between.forward[start, row, first_tag].double()
        score = score + between.forward_scale[start, row]
        # `steps` counts the end transition with the last character; it belongs to `out`
        inside = along[row, last] - along[row, start]
        at_end = end == lengths[row]
        final = self.crf.end_transitions[last_tag].double()
        after = end.clamp(max=emissions.size(1) - 1)
        onward = self.crf.transitions[last_tag] + emissions[row, after]
        onward = onward + between.backward[after, row]
        barred = ~self.crf.legal[last_tag] | self.goes_on[last_tag]
        out = onward.masked_fill(barred, -torch.inf).logsumexp(1).double()
        out = out + between.backward_scale[after, row]
        whole = at_end & (start == last)
        score = score + inside + torch.where(at_end, 0.0, out)
        score = score + torch.where(whole, final, 0.0)
        return iter((score - between.log_partition[row]).exp().clamp(0, 1).tolist())


def _path_scores(
    emissions: Tensor,
    tags: Tensor,
    start: Tensor,
    transitions: Tensor,
    end: Tensor,
    lengths: Tensor,
) -> Tensor:
    """What each character adds to its sequence's log weight, (batch, chars), double.

    The start transition comes with the first character, the end transition with the last.
    """
    steps = emissions.gather(2, tags.unsqueeze(2)).squeeze(2).double()
    moves = torch.cat([start[tags[:, :1]], transitions[tags[:, :-1], tags[:, 1:]]], dim=1)
    steps = steps + moves
    places = torch.arange(tags.size(1), device=tags.device)
    finals = end[tags].where(places == lengths.unsqueeze(1) - 1, 0.0)
    return (steps + finals).where(places < lengths.unsqueeze(1), 0.0)
