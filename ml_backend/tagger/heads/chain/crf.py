"""The CRF: the parameters of pytorch-crf, of which only what the scheme allows counts."""

from dataclasses import fields

import torch
from torch import Tensor, nn

from ml_backend.tagger.heads.chain.scores import Scores
from ml_backend.tagger.heads.chain.viterbi import Structure


class CRF(nn.Module):
    """Log weights of tag sequences: emissions, and transitions of which only legal ones count.

    `start_transitions`, `transitions` (from row to column) and `end_transitions` mean what they
    mean in pytorch-crf; there is no price for what is illegal, its weight is zero. Emissions are
    (batch, positions, tags), lengths (batch,), each at least 1; half precision is made single.
    """

    legal: Tensor
    legal_start: Tensor
    legal_end: Tensor

    def __init__(self, legal: Tensor, legal_start: Tensor, legal_end: Tensor):
        super().__init__()
        tags = len(legal_start)
        if legal.shape != (tags, tags) or legal_end.shape != (tags,):
            raise ValueError(
                f"legal must be ({tags}, {tags}) and legal_end ({tags},) for {tags} tags, "
                f"not {tuple(legal.shape)} and {tuple(legal_end.shape)}"
            )
        self.register_buffer("legal", legal, persistent=False)
        self.register_buffer("legal_start", legal_start, persistent=False)
        self.register_buffer("legal_end", legal_end, persistent=False)
        structure = Structure.of(legal)
        for field in fields(Structure):
            self.register_buffer(field.name, getattr(structure, field.name), persistent=False)
        self.start_transitions = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.end_transitions = nn.Parameter(torch.zeros(tags))

    def scores(self, emissions: Tensor, lengths: Tensor) -> Scores:
        """A batch's scores, of which much can be asked at the price of one lattice."""
        tags = len(self.legal_start)
        if emissions.dim() != 3 or emissions.size(2) != tags:
            raise ValueError(
                f"emissions must be (batch, positions, {tags}), not {tuple(emissions.shape)}"
            )
        if lengths.shape != emissions.shape[:1]:
            raise ValueError(f"expected {len(emissions)} lengths, not {tuple(lengths.shape)}")
        return Scores(
            emissions if emissions.dtype == torch.double else emissions.float(),
            lengths,
            self.start_transitions.masked_fill(~self.legal_start, -torch.inf),
            self.transitions.masked_fill(~self.legal, -torch.inf),
            self.end_transitions.masked_fill(~self.legal_end, -torch.inf),
            Structure(*(self.get_buffer(field.name) for field in fields(Structure))),
        )

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """log of the summed weight of all legal sequences, (batch,), double.

        Minus infinity among the emissions bars a tag; some legal sequence must remain.
        """
        return self.scores(emissions, lengths).log_partition()

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log weight of one sequence a text, (batch,), double; tags are (batch, positions)."""
        return self.scores(emissions, lengths).log_weight(tags)

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log P(tags), (batch,), double; tags are (batch, positions), minus infinity if illegal."""
        return self.scores(emissions, lengths).log_probability(tags)

    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The most probable sequences, (batch, positions), 0 in the padding."""
        return self.scores(emissions, lengths).best()

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """P(tag at position), (batch, positions, tags), 0 in the padding, without a gradient."""
        with torch.inference_mode(False), torch.enable_grad():
            emissions = emissions.detach().clone().requires_grad_()
            total = self.log_partition(emissions, lengths.clone()).sum()
            (marginals,) = torch.autograd.grad(total, emissions)
        return marginals
