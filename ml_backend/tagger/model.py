"""Encoder and head, composed: every encoder goes with every head."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.builtin import BuiltinConfig, BuiltinEncoder, CharacterBatch
from ml_backend.tagger.heads.crf import CrfHead, Decoded


class Model(nn.Module):
    """A tagger's network; batches come from `encoder.prepare`."""

    def __init__(self, encoder: BuiltinEncoder, head: CrfHead):
        super().__init__()
        self.encoder, self.head = encoder, head

    @property
    def labels(self) -> LabelSet:
        return self.head.scheme.labels

    def loss(self, batch: CharacterBatch, targets: Tensor) -> Tensor:
        """The head's loss on a batch."""
        loss: Tensor = self.head.loss(self.encoder(batch), batch.lengths, targets)
        return loss

    def decode(self, batch: CharacterBatch) -> list[Decoded]:
        """The head's reading of each text of a batch."""
        return self.head.decode(self.encoder(batch), batch.lengths)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, from which `build` makes the same network, its weights aside."""
        return {
            "encoder": {"name": self.encoder.name, **self.encoder.to_dict()},
            "head": {"name": self.head.name, **self.head.to_dict()},
        }


def build(record: dict[str, Any], labels: Sequence[str]) -> Model:
    """The network that `Model.to_dict` described; raises ValueError or TypeError when unknown."""
    encoder_record, head_record = dict(record["encoder"]), dict(record["head"])
    names = encoder_record.pop("name"), head_record.pop("name")
    if names != (BuiltinEncoder.name, CrfHead.name):
        raise ValueError(f"unknown encoder or head: {names}")
    encoder = BuiltinEncoder(BuiltinConfig(**encoder_record))
    return Model(encoder, CrfHead(LabelSet(tuple(labels)), encoder.size, **head_record))
