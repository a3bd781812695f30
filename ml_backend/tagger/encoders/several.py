"""Built-in encoders side by side: members that were trained apart read a text together."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn

from ml_backend.tagger.encoders.builtin import BuiltinEncoder, CharacterBatch, CharacterReader


class SeveralEncoders(nn.Module):
    """Texts to the members' vectors, one after the other; they know the same, so one reads."""

    name: ClassVar[str] = "several"

    def __init__(self, members: Sequence[BuiltinEncoder]):
        super().__init__()
        self._members = nn.ModuleList(members)
        self.size = sum(member.size for member in members)

    @property
    def members(self) -> list[BuiltinEncoder]:
        """The encoders, in the order of their vectors."""
        return [cast(BuiltinEncoder, member) for member in self._members]

    def to_dict(self) -> dict[str, Any]:
        """The configurations as JSON."""
        return {"members": [member.to_dict() for member in self.members]}

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """Untrained ones of these sizes."""
        return cls([BuiltinEncoder.from_dict(member, folder) for member in record["members"]])

    def save_assets(self, folder: Path) -> None:
        """Nothing: what they know is among their weights."""

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """None."""
        return iter(())

    def label_columns(self) -> dict[str, list[str]]:
        """Nothing goes on from several: see `together.apart`."""
        return {}

    def reader(self) -> CharacterReader:
        """The first member's."""
        return self.members[0].reader()

    def forward(self, batch: CharacterBatch) -> Tensor:
        """(batch, chars, size)"""
        return torch.cat([member(batch) for member in self._members], dim=2)
