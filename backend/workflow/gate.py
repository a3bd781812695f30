"""Gate: is the challenger at least not worse than the champion, on gold that neither has seen?

A pure function of the frozen gold, the two versions' predictions of it and the project's settings.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backend.settings import ProjectSettings
from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import Scores, bootstrap, paired_bootstrap, score
from ml_backend.contract.snapshot import GoldDocument

Predictions = Sequence[Sequence[Entity]]


@dataclass(frozen=True, slots=True)
class GateDecision:
    """`promoted` is None where a person has to decide; `numbers` is everything it rests on."""

    promoted: bool | None
    reason: str
    numbers: dict[str, Any]


def decide(
    gold: Sequence[GoldDocument],
    champion: Predictions | None,
    challenger: Predictions,
    settings: ProjectSettings,
    *,
    champion_knows: Collection[str] | None = None,
    seed: int = 0,
) -> GateDecision:
    """Judge a challenger; `champion` is None where there is no opponent: then it is promoted.

    Both are scored on the labels of the gold; of a label that was not annotated in a document,
    only what is in its gold counts. `champion_knows` are the labels that the champion can say,
    None for all: what the challenger gains by others must not hide a loss on these.

    With an opponent it is promoted when the lower bound of the paired bootstrap of the difference
    in micro F1 lies above `-gate_margin`, and no class with `gate_class_support` gold entities or
    more falls by more than `gate_class_margin`. With fewer than `gate_min_documents` nothing is
    certain, and `gate_when_little` says what happens.
    """
    entities = [document.entities for document in gold]
    challenger = _judged(gold, challenger)
    new = score(entities, challenger)
    numbers: dict[str, Any] = {
        "documents": len(gold),
        "margins": {
            "f1": settings.gate_margin,
            "class_f1": settings.gate_class_margin,
            "class_support": settings.gate_class_support,
            "documents": settings.gate_min_documents,
        },
        "challenger": new.to_dict(),
        "challenger_interval": asdict(bootstrap(entities, challenger, seed=seed)),
    }
    if champion is None:
        return GateDecision(True, "the first version needs no opponent", numbers)

    champion = _judged(gold, champion)
    old = score(entities, champion)
    difference = paired_bootstrap(entities, champion, challenger, seed=seed)
    fallen = _fallen(old, new, settings)
    numbers |= {
        "champion": old.to_dict(),
        "difference": asdict(difference),
        "fallen_classes": fallen,
    }
    lowest = difference.low
    if champion_knows is not None and any(label not in champion_knows for label in new.per_label):
        both = [_of_labels(each, champion_knows) for each in (entities, champion, challenger)]
        shared = paired_bootstrap(*both, seed=seed)
        numbers["difference_on_shared_labels"] = asdict(shared)
        lowest = min(lowest, shared.low)
    if len(gold) < settings.gate_min_documents:
        reason = f"too little gate gold ({len(gold)} of {settings.gate_min_documents} documents)"
        if settings.gate_when_little == "promote":
            return GateDecision(True, f"{reason}: promoted, as the project's setting says", numbers)
        return GateDecision(None, f"{reason}: a curator decides", numbers)

    found = (
        f"F1 {new.micro.f1:.3f} against {old.micro.f1:.3f} on {len(gold)} documents, "
        f"difference {difference.low:+.3f} to {difference.high:+.3f}"
    )
    if lowest < difference.low:
        found += f", at least {lowest:+.3f} on the labels that both know"
    if lowest <= -settings.gate_margin:
        reason = f"{found}: it may be worse by more than {settings.gate_margin:g}"
        return GateDecision(False, reason, numbers)
    if fallen:
        named = ", ".join(f"{label} {fall:+.3f}" for label, fall in fallen.items())
        reason = f"{found}, but classes fall by more than {settings.gate_class_margin:g}: {named}"
        return GateDecision(False, reason, numbers)
    return GateDecision(True, found, numbers)


def _judged(gold: Sequence[GoldDocument], predictions: Predictions) -> list[list[Entity]]:
    if len(gold) != len(predictions):
        raise ValueError(
            f"expected a prediction for each of {len(gold)} documents, got {len(predictions)}"
        )
    return [
        document.judged(predicted) for document, predicted in zip(gold, predictions, strict=True)
    ]


def _of_labels(documents: Predictions, labels: Collection[str]) -> list[list[Entity]]:
    return [[entity for entity in entities if entity.label in labels] for entities in documents]


def _fallen(old: Scores, new: Scores, settings: ProjectSettings) -> dict[str, float]:
    """Classes with enough support that fall beyond their margin, and by how much."""
    changes = {
        label: new.per_label[label].f1 - counts.f1
        for label, counts in old.per_label.items()
        if counts.support >= settings.gate_class_support
    }
    return {
        label: round(change, 4)
        for label, change in changes.items()
        if change < -settings.gate_class_margin
    }
