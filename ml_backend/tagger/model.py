"""Encoder and head, composed: every encoder goes with every head."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.encoder import Batch, Encoder
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.heads.biaffine import BiaffineHead
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.head import Decoded, Head
from ml_backend.tagger.heads.recurrent import BiGruCrfHead, BiLstmCrfHead
from ml_backend.tagger.heads.softmax import SoftmaxHead
from ml_backend.tagger.heads.span import SpanHead
from ml_backend.tagger.positions import Places, Target, to_characters, to_positions

ENCODERS: dict[str, type[Encoder]] = {
    BuiltinEncoder.name: BuiltinEncoder,
    PretrainedEncoder.name: PretrainedEncoder,
}
HEADS: dict[str, type[Any]] = {
    head.name: head
    for head in (CrfHead, SoftmaxHead, BiLstmCrfHead, BiGruCrfHead, SpanHead, BiaffineHead)
}


class Model(nn.Module):
    """A tagger's network; batches come from the encoder's reader."""

    def __init__(self, encoder: Encoder, head: Head):
        super().__init__()
        self.encoder, self.head = encoder, head

    @property
    def labels(self) -> LabelSet:
        return self.head.labels

    def targets(self, targets: Sequence[Target], batch: Batch) -> Any:
        """What `loss` compares with, from each text's gold in characters."""
        reached = [to_positions(*pair) for pair in zip(targets, places_of(batch), strict=True)]
        return self.head.targets(reached, batch.lengths.tolist())

    def forward(self, batch: Batch, targets: Any) -> Tensor:
        """The loss of each text, (batch,)."""
        states = self.encoder(batch)
        # whatever the encoder computes in, sums over paths and spans need all the digits
        with torch.autocast(states.device.type, enabled=False):
            return self.head.loss(states.float(), batch.lengths, targets)

    def decode(self, batch: Batch) -> list[Decoded]:
        """The head's reading of each text of a batch, in characters."""
        read = self.head.decode(self.encoder(batch), batch.lengths)
        return [in_characters(*pair) for pair in zip(read, places_of(batch), strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON, from which `build` makes the same network, its weights aside."""
        return {
            "encoder": {"name": self.encoder.name, **self.encoder.to_dict()},
            "head": {"name": self.head.name, **self.head.to_dict()},
        }


def build(record: dict[str, Any], labels: Sequence[str], folder: Path) -> Model:
    """The network that `Model.to_dict` described, assets from the folder; raises ValueError or
    TypeError when unknown."""
    encoder_record, head_record = dict(record["encoder"]), dict(record["head"])
    encoder_name, head_name = encoder_record.pop("name"), head_record.pop("name")
    if encoder_name not in ENCODERS or head_name not in HEADS:
        raise ValueError(f"unknown encoder or head: {encoder_name}, {head_name}")
    if list(encoder_record["labels"]) != list(labels):
        raise ValueError("the encoder was made for other labels")
    encoder = ENCODERS[encoder_name].from_dict(encoder_record, folder)
    head = HEADS[head_name](LabelSet(tuple(labels)), encoder.size, **head_record)
    return Model(encoder, head)


def in_characters(reading: Decoded, places: Places | None) -> Decoded:
    """A reading in positions as one in characters."""
    entities = to_characters(reading.entities, places)
    return Decoded(entities, reading.confidence, reading.nothing)


def places_of(batch: Batch) -> Sequence[Places | None]:
    """Of each text the characters that its positions cover."""
    return [None] * len(batch.lengths) if batch.places is None else batch.places
