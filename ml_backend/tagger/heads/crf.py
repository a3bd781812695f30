"""The CRF head: position vectors to entities by way of tags, with exact probabilities."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain.crf import CRF
from ml_backend.tagger.heads.chain.scores import Scores, Segments
from ml_backend.tagger.heads.chain_beliefs import ChainBeliefs
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.heads.tag_targets import TagTargets
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import Scheme, SchemeName

LabelledSpan = tuple[int, int, int, str]  # (text, start, end, label), the end exclusive


class CrfHead(nn.Module):
    """Emissions by one linear layer, decided by a CRF; single precision under autocast too."""

    name: ClassVar[str] = "crf"
    goes_on: Tensor

    def __init__(self, labels: LabelSet, size: int, *, scheme: SchemeName = "BIOES"):
        super().__init__()
        self.labels = labels
        self.scheme = Scheme(scheme, labels)
        self.outside = self.scheme.tags.index(("O", ""))
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

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> TagTargets:
        """What `loss` compares with."""
        return TagTargets.of(self.scheme, targets, lengths)

    def loss(self, states: Tensor, lengths: Tensor, targets: TagTargets) -> Tensor:
        """Negative log-likelihood of each text's gold, (batch,), double.

        Where a text's gold is partial, the probabilities of all sequences that it allows count
        together.
        """
        emissions = self.emissions(states)
        if not len(targets.partial):
            return -self.crf.log_likelihood(emissions, targets.tags, lengths)
        partial = targets.partial
        whole = torch.ones_like(lengths).index_fill_(0, partial, 0).nonzero().flatten()
        named = self.crf.score(emissions[whole], targets.tags[whole], lengths[whole])
        allowed = emissions[partial].masked_fill(~targets.allowed, -torch.inf)
        summed = self.crf.log_partition(allowed, lengths[partial])
        total = self.crf.log_partition(emissions, lengths)
        gold = torch.zeros_like(total).index_copy(0, whole, named)
        return total - gold.index_copy(0, partial, summed)

    @torch.no_grad()
    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable reading of each text, with exact probabilities.

        An entity's probability is that of all readings which hold it; the confidence is that of
        this very reading.
        """
        scores = self.crf.scores(self.emissions(states), lengths)
        return self.readings(scores, *scores.most_probable())

    @torch.no_grad()
    def beliefs(self, states: Tensor, lengths: Tensor) -> Iterator[ChainBeliefs]:
        """What is believed of all texts at once, exactly."""
        yield ChainBeliefs(self, states, lengths)

    def readings(self, scores: Scores, tags: Tensor, confidence: Tensor) -> list[Decoded]:
        """Texts that were scored, read as their most probable tags, as of `decode`."""
        lengths = scores.lengths
        rows = zip(tags.tolist(), lengths.tolist(), strict=True)
        found = [
            (text, *span)
            for text, (row, length) in enumerate(rows)
            for span in self.scheme.decode(row[:length])
        ]
        probabilities = self.log_probability_of(scores, found).exp().clamp(max=1).tolist()
        entities: list[list[Entity]] = [[] for _ in range(len(lengths))]
        for (text, start, end, label), probability in zip(found, probabilities, strict=True):
            entities[text].append(Entity(start, end, label, probability))
        nothing = scores.log_chance(torch.full_like(tags, self.outside))
        chances = (chance.exp().clamp(max=1).tolist() for chance in (confidence, nothing))
        return [Decoded(*reading) for reading in zip(entities, *chances, strict=True)]

    def emissions(self, states: Tensor) -> Tensor:
        """(batch, positions, size) to (batch, positions, tags), single precision."""
        with torch.autocast(states.device.type, enabled=False):
            scores: Tensor = self.emit(states.float())
        return scores

    def span_log_probability(
        self, emissions: Tensor, lengths: Tensor, spans: Sequence[LabelledSpan]
    ) -> Tensor:
        """log P of each span being an entity of its text, whatever else is, (spans,), double.

        Any spans, likely or not; they may overlap. Raises ValueError for one that its text or the
        label set cannot hold.
        """
        sizes = lengths.tolist()
        for text, start, end, label in spans:
            if not 0 <= start < end <= sizes[text] or label not in self.labels:
                raise ValueError(
                    f"{(start, end, label)} is no entity of {sizes[text]} positions and this set"
                )
        return self.log_probability_of(self.crf.scores(emissions, lengths), spans)

    def reading_log_probability(
        self, emissions: Tensor, lengths: Tensor, readings: Sequence[Sequence[Entity]]
    ) -> Tensor:
        """log P of a text having exactly these entities, (batch,), double.

        Raises ValueError for entities that overlap or that their text cannot hold.
        """
        targets = [Target(entities) for entities in readings]
        tags = self.targets(targets, lengths.tolist()).tags.to(emissions.device)
        return self.crf.log_likelihood(emissions, tags, lengths)

    def log_probability_of(self, scores: Scores, spans: Sequence[LabelledSpan]) -> Tensor:
        """`span_log_probability` of texts that were scored, the spans not checked."""
        if not spans:
            return scores.emissions.new_zeros(0, dtype=torch.double)
        kinds = sorted({(label, end - start) for _, start, end, label in spans})
        rows = [self.scheme.encode_entity(*kind) for kind in kinds]
        widest = max(map(len, rows))
        table = torch.tensor([row + [0] * (widest - len(row)) for row in rows])  # (kinds, widest)
        number = {kind: place for place, kind in enumerate(kinds)}
        tags = table[[number[label, end - start] for _, start, end, label in spans]]
        device = scores.emissions.device
        texts, starts, ends = torch.tensor([span[:3] for span in spans], device=device).unbind(1)
        tags, widths = tags.to(device), ends - starts
        last = tags.gather(1, widths.unsqueeze(1) - 1).squeeze(1)
        segments = Segments(texts, starts, widths, tags, barred=self.goes_on[last])
        return scores.log_probability_of(segments)
