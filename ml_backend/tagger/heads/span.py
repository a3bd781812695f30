"""A head that classifies candidate spans by their two ends and their width."""

from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.candidate_head import CandidateHead
from ml_backend.tagger.heads.span_beliefs import Candidates
from ml_backend.tagger.heads.spans import Spans, none_at_first, scored


class SpanHead(CandidateHead):
    """One hidden layer over the first vector, the last vector and an embedding of the width.

    The layer's three parts are computed apart and added, which is the same as one layer over all
    three and far cheaper: there are `max_width` times as many candidates as positions.
    """

    name: ClassVar[str] = "span"

    def __init__(
        self,
        labels: LabelSet,
        size: int,
        *,
        max_width: int,
        nested: bool = False,
        hidden: int = 128,
        dropout: float = 0.2,
        loss: dict[str, Any] | None = None,
    ):
        spans = Spans(labels, max_width=max_width, nested=nested, loss=loss or {})
        super().__init__(labels, spans)
        self.hidden = hidden
        self.start, self.end = nn.Linear(size, hidden), nn.Linear(size, hidden)
        self.width = nn.Embedding(max_width, hidden)
        self.classify = nn.Linear(hidden, self.spans.classes)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.width.weight, std=0.3)
        self.classify.bias.data.copy_(none_at_first(self.spans.classes))

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {"hidden": self.hidden, "dropout": self.dropout.p, **self.spans.to_dict()}

    def factors(self, states: Tensor, where: Candidates) -> tuple[Tensor, ...]:
        """What the last layer multiplies its weights with, for some candidates: (n, hidden)."""
        texts, starts, widths = where
        ends = self.end(states[texts, starts + widths]) + self.width(widths)
        return (functional.gelu(self.start(states[texts, starts]) + ends),)

    def scores(self, states: Tensor) -> Tensor:
        """(batch, positions, size) to (batch, positions, widths, classes)"""

        def score(starts: Tensor, ends: Tensor) -> Tensor:
            widths = self.width.weight[: ends.size(2)]
            layer = functional.gelu(starts.unsqueeze(2) + ends + widths)
            result: Tensor = self.classify(layer)
            return result

        return scored(
            self.start(self.dropout(states)),
            self.end(self.dropout(states)),
            max_width=self.spans.max_width,
            floats=2 * self.spans.max_width * self.hidden,
            score=score,
        )
