"""A head that classifies candidate spans by a biaffine form of their two ends.

Dozat & Manning 2017; for entities Yu, Bohnet & Poesio 2020.
"""

from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.candidate_head import CandidateHead
from ml_backend.tagger.heads.span_beliefs import Candidates
from ml_backend.tagger.heads.spans import Spans, none_at_first, scored

Positions = Literal["none", "rotary", "relative"]
_ROTARY_BASE = 10000.0


class BiaffineHead(CandidateHead):
    """Score of class c for a span from s to e: [s; 1] U_c [e; 1].

    `positions` lets the width be seen: "rotary" turns the last vector by an angle for each pair of
    dimensions that grows with the width (Su et al. 2021: turning both ends by their places comes
    to the same), "relative" adds a learned vector for the width to it (Shaw et al. 2018).
    """

    name: ClassVar[str] = "biaffine"
    turns: Tensor  # (max_width, hidden / 2, 2): cosine and sine

    def __init__(
        self,
        labels: LabelSet,
        size: int,
        *,
        max_width: int,
        nested: bool = False,
        positions: Positions = "none",
        hidden: int = 128,
        dropout: float = 0.2,
        loss: dict[str, Any] | None = None,
    ):
        if positions not in get_args(Positions):
            raise ValueError(f"positions must be none, rotary or relative, not {positions!r}")
        if positions == "rotary" and hidden % 2:
            raise ValueError(f"rotary positions need an even hidden size, not {hidden}")
        spans = Spans(labels, max_width=max_width, nested=nested, loss=loss or {})
        super().__init__(labels, spans)
        self.hidden, self.positions = hidden, positions
        self.start, self.end = nn.Linear(size, hidden), nn.Linear(size, hidden)
        self.dropout = nn.Dropout(dropout)
        # from [s; 1] to what [e; 1] is multiplied with, for each class
        self.form = nn.Linear(hidden, self.spans.classes * (hidden + 1))
        if positions == "relative":
            self.width = nn.Embedding(max_width, hidden)
            nn.init.normal_(self.width.weight, std=0.3)
        if positions == "rotary":
            self.register_buffer("turns", _turns(max_width, hidden), persistent=False)
        nn.init.normal_(self.form.weight, std=1 / hidden)  # a score sums hidden² products
        with torch.no_grad():
            bias = self.form.bias.view(self.spans.classes, hidden + 1).zero_()
            bias[:, -1] = none_at_first(self.spans.classes)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {
            "positions": self.positions,
            "hidden": self.hidden,
            "dropout": self.dropout.p,
            **self.spans.to_dict(),
        }

    def factors(self, states: Tensor, where: Candidates) -> tuple[Tensor, ...]:
        """What the form multiplies for some candidates: (n, hidden + 1) of each end."""
        texts, starts, widths = where
        first = functional.gelu(self.start(states[texts, starts]))
        last = functional.gelu(self.end(states[texts, starts + widths]))
        placed = self._placed(last[:, None, None].expand(-1, -1, self.spans.max_width, -1))
        last = placed[torch.arange(len(last), device=last.device), 0, widths]
        return functional.pad(first, (0, 1), value=1.0), functional.pad(last, (0, 1), value=1.0)

    def scores(self, states: Tensor) -> Tensor:
        """(batch, positions, size) to (batch, positions, widths, classes)"""
        classes, hidden = self.spans.classes, self.hidden

        def score(starts: Tensor, ends: Tensor) -> Tensor:
            ends = self._placed(ends)
            form = self.form(starts).view(*starts.shape[:2], classes, hidden + 1)
            product = ends @ form[..., :-1].transpose(2, 3)  # (batch, some, widths, classes)
            result: Tensor = product + form[..., -1].unsqueeze(2)
            return result

        return scored(
            self.dropout(functional.gelu(self.start(states))),
            self.dropout(functional.gelu(self.end(states))),
            max_width=self.spans.max_width,
            floats=(classes + 2 * self.spans.max_width) * (hidden + 1),
            score=score,
        )

    def _placed(self, ends: Tensor) -> Tensor:
        """Last vectors that know their width, (batch, some, widths, hidden)."""
        widths = ends.size(2)
        if self.positions == "relative":
            return ends + self.width.weight[:widths]
        if self.positions == "rotary":
            cosine, sine = self.turns[:widths].unbind(2)  # (widths, hidden / 2)
            left, right = ends.chunk(2, dim=3)
            return torch.cat([left * cosine - right * sine, left * sine + right * cosine], dim=3)
        return ends


def _turns(widths: int, hidden: int) -> Tensor:
    """Cosine and sine of each width's angles, (widths, hidden / 2, 2)."""
    pairs = torch.arange(hidden // 2)
    angles = torch.arange(widths).unsqueeze(1) * _ROTARY_BASE ** (-2 * pairs / hidden)
    return torch.stack([angles.cos(), angles.sin()], dim=2)
