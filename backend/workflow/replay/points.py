"""The points of a learning curve that a replay measures, kept a line each in `curve.jsonl`.

    {"round", "documents", "entities", "edits", "minutes", "f1", "interval": [low, high],
     "macro_f1", "per_label": {label: {"f1", "support"}},
     "batch": {"documents", "entities", "kept", "added", "removed", "moved", "relabelled",
               "seconds"}}

`documents`, `entities`, `edits` and `minutes` are all that the simulated person did until then;
`batch` is what they did for the last batch. `f1` is strict micro F1 on the held-out gold.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from backend.workflow.replay.annotator import Work

Cost = Literal["documents", "entities", "edits", "seconds"]
COSTS: tuple[Cost, ...] = ("documents", "entities", "edits", "seconds")


@dataclass(frozen=True, slots=True)
class Point:
    """One round: what people had done, and what the tagger that learned from it was worth."""

    round: int
    done: Work
    batch: Work
    f1: float
    interval: tuple[float, float]
    macro_f1: float
    per_label: Mapping[str, Mapping[str, float]]

    def cost(self, kind: Cost) -> float:
        """What was spent until then, minutes where seconds are asked for."""
        if kind == "seconds":
            return self.done.seconds / 60
        return float(getattr(self.done, kind))

    def to_dict(self) -> dict[str, Any]:
        """The line."""
        return {
            "round": self.round,
            "documents": self.done.documents,
            "entities": self.done.entities,
            "edits": self.done.edits,
            "minutes": round(self.done.seconds / 60, 3),
            "f1": self.f1,
            "interval": list(self.interval),
            "macro_f1": self.macro_f1,
            "per_label": {label: dict(its) for label, its in self.per_label.items()},
            "done": asdict(self.done),
            "batch": asdict(self.batch),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Point":
        """Read what `to_dict` wrote."""
        low, high = record["interval"]
        return cls(
            record["round"],
            Work(**record["done"]),
            Work(**record["batch"]),
            record["f1"],
            (low, high),
            record["macro_f1"],
            record["per_label"],
        )
