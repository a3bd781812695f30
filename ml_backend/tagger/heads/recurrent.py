"""A recurrent layer under the CRF: more context for encoders that bring little of their own."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.head import Beliefs, Decoded
from ml_backend.tagger.heads.tag_targets import TagTargets
from ml_backend.tagger.positions import Target
from ml_backend.tagger.recurrent import BiRecurrent
from ml_backend.tagger.scheme import SchemeName


class RecurrentCrfHead(nn.Module):
    """What both heads do, over the cell of each: dropout, context, dropout, and a `CrfHead`."""

    name: ClassVar[str]
    cell: ClassVar[type[nn.LSTM] | type[nn.GRU]]

    def __init__(
        self,
        labels: LabelSet,
        size: int,
        *,
        scheme: SchemeName = "BIOES",
        hidden: int = 128,
        dropout: float = 0.3,
    ):
        super().__init__()
        self.labels, self.hidden = labels, hidden
        self.dropout = nn.Dropout(dropout)
        self.context = BiRecurrent(self.cell, size, hidden)
        self.decide = CrfHead(labels, 2 * hidden, scheme=scheme)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {"hidden": self.hidden, "dropout": self.dropout.p, **self.decide.to_dict()}

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """All of the CRF's."""
        return self.decide.transition_parameters()

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> TagTargets:
        """What `loss` compares with."""
        return self.decide.targets(targets, lengths)

    def loss(self, states: Tensor, lengths: Tensor, targets: TagTargets) -> Tensor:
        """Negative log-likelihood of each text's gold, (batch,)."""
        return self.decide.loss(self._in_context(states, lengths), lengths, targets)

    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable reading of each text, with exact probabilities."""
        return self.decide.decode(self._in_context(states, lengths), lengths)

    def beliefs(self, states: Tensor, lengths: Tensor) -> Iterator[Beliefs]:
        """What is believed of all texts at once."""
        return self.decide.beliefs(self._in_context(states, lengths), lengths)

    def _in_context(self, states: Tensor, lengths: Tensor) -> Tensor:
        result: Tensor = self.dropout(self.context(self.dropout(states), lengths))
        return result


class BiLstmCrfHead(RecurrentCrfHead):
    """An LSTM from each side, then a CRF (Huang, Xu & Yu 2015)."""

    name = "bilstm-crf"
    cell = nn.LSTM


class BiGruCrfHead(RecurrentCrfHead):
    """A GRU from each side, then a CRF."""

    name = "bigru-crf"
    cell = nn.GRU
