"""What heads over candidate spans have in common: all but the scores themselves."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.head import Beliefs, Decoded
from ml_backend.tagger.heads.losses import ItemTargets
from ml_backend.tagger.heads.span_beliefs import Candidates, SpanBeliefs
from ml_backend.tagger.heads.spans import Spans
from ml_backend.tagger.positions import Target


class CandidateHead(nn.Module):
    """A head that scores every span up to a width; how, its subclasses say."""

    def __init__(self, labels: LabelSet, spans: Spans):
        super().__init__()
        self.labels, self.spans = labels, spans

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """None."""
        return iter(())

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> ItemTargets:
        """The class of each candidate."""
        return self.spans.targets(targets, lengths)

    def loss(self, states: Tensor, lengths: Tensor, targets: ItemTargets) -> Tensor:
        """The loss of each text over its candidates, (batch,)."""
        return self.spans.loss(self.scores(states), targets)

    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable set of spans of each text."""
        return self.spans.decode(self.scores, states, lengths)

    def beliefs(self, states: Tensor, lengths: Tensor) -> Iterator[Beliefs]:
        """What is believed of some texts after the other."""
        for some in self.spans.slices(states):
            scores = self.scores(states[some]).float()
            yield SpanBeliefs(self, scores, states[some], lengths[some])

    @abstractmethod
    def scores(self, states: Tensor) -> Tensor:
        """(batch, positions, size) to (batch, positions, widths, classes)"""

    @abstractmethod
    def factors(self, states: Tensor, where: Candidates) -> tuple[Tensor, ...]:
        """What the last layer multiplies its weights with, for some candidates."""
