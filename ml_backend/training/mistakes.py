"""What kind of mistakes a tagger makes: labels confused, borders missed, entities not seen."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ml_backend.contract.pairing import Kind, pairs
from ml_backend.contract.scoring import Documents


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Pairs by kind, and the confusion of labels over equal spans.

    Of a label, `confusion` along its row and `missed` add up to its gold entities, `confusion`
    down its column and `spurious` to its predicted ones: a wrong border counts in both.
    """

    kinds: dict[Kind, int]
    confusion: Counter[tuple[str, str]]  # gold label, predicted label
    missed: Counter[str]  # gold labels of spans that were not predicted
    spurious: Counter[str]  # predicted labels of spans that are not in gold

    def to_dict(self) -> dict[str, Any]:
        """As JSON; confusion as a list, the most frequent first."""
        return {
            "kinds": {kind.value: count for kind, count in self.kinds.items()},
            "confusion": [
                {"gold": gold, "predicted": predicted, "count": count}
                for (gold, predicted), count in sorted(
                    self.confusion.items(), key=lambda item: (-item[1], item[0])
                )
            ],
            "missed": dict(sorted(self.missed.items())),
            "spurious": dict(sorted(self.spurious.items())),
        }


def mistakes(gold: Documents, predicted: Documents) -> Mistakes:
    """Count over documents; both in the same order."""
    kinds = dict.fromkeys(Kind, 0)
    confusion: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    spurious: Counter[str] = Counter()
    for wanted, found in zip(gold, predicted, strict=True):
        for pair in pairs(wanted, found):
            kinds[pair.kind] += 1
            if pair.gold and pair.predicted and pair.kind in (Kind.RIGHT, Kind.LABEL):
                confusion[pair.gold.label, pair.predicted.label] += 1
                continue
            if pair.gold:
                missed[pair.gold.label] += 1
            if pair.predicted:
                spurious[pair.predicted.label] += 1
    return Mistakes(kinds, confusion, missed, spurious)
