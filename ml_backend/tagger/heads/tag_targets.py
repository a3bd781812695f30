"""What is known of the tags of a batch: all of them, or for some texts only what may be.

Where labels were not annotated or nothing is known, a text's gold is a set of sequences: every tag
that the known gold leaves possible, at each position (a partial CRF: Tsuboi et al. 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import Scheme


@dataclass(frozen=True, slots=True)
class TagTargets:
    """The tags of the texts' entities, and for the texts in `partial` which tags are possible.

    A partial text's own row of `tags` knows nothing of what is missing or unknown.
    """

    tags: Tensor  # (batch, positions), 0 in the padding
    partial: Tensor  # (partial,) rows of the batch
    allowed: Tensor  # (partial, positions, tags) bool

    def to(self, device: torch.device) -> "TagTargets":
        """The same on another device."""
        return TagTargets(
            self.tags.to(device, non_blocking=True),
            self.partial.to(device, non_blocking=True),
            self.allowed.to(device, non_blocking=True),
        )

    @classmethod
    def of(cls, scheme: Scheme, targets: Sequence[Target], lengths: Sequence[int]) -> "TagTargets":
        """Read the gold of texts of these lengths; raises ValueError where `Scheme.encode` does."""
        tags = torch.zeros(len(targets), max(lengths), dtype=torch.long)
        partial = [row for row, t in enumerate(targets) if t.unknown or t.missing]
        allowed = torch.ones(len(partial), max(lengths), len(scheme.tags), dtype=torch.bool)
        for row, (target, length) in enumerate(zip(targets, lengths, strict=True)):
            tags[row, :length] = torch.tensor(scheme.encode(target.entities, length))
        for place, row in enumerate(partial):
            known = tags[row, : lengths[row]]
            allowed[place, : lengths[row]] = possible_tags(scheme, targets[row], known)
        return cls(tags, torch.tensor(partial, dtype=torch.long), allowed)


def possible_tags(scheme: Scheme, target: Target, tags: Tensor) -> Tensor:
    """Which tags each position of a text may have, (positions, tags) bool.

    `tags` (positions,) are those of the entities. They hold, and an entity does not go on past its
    end; elsewhere O and the tags of missing labels are possible, and in unknown ranges all are.
    """
    silent = [not label or label in target.missing for _, label in scheme.tags]
    result = torch.tensor(silent).repeat(len(tags), 1)
    for start, end in target.unknown:
        result[start:end] = True
    goes_on = torch.tensor(scheme.goes_on())
    for entity in target.entities:
        if entity.end < len(tags):
            result[entity.end] &= ~goes_on[tags[entity.end - 1]]
    for entity in target.entities:
        inside = slice(entity.start, entity.end)
        result[inside] = torch.nn.functional.one_hot(tags[inside], len(scheme.tags)).bool()
    return result
