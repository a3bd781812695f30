"""How much there is of each label: read from the counts that are kept up, nothing is scanned."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from backend.db.label_balance import all_counts
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.db.tables_of_labels import Counted
from backend.workflow.labels.label_rules import make_rules, map_of


@dataclass(frozen=True, slots=True)
class Count:
    """Entities of a label, and documents that hold one."""

    entities: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True)
class LabelBalance:
    """One label as gold, people and versions call it.

    `trained_as` is None where the label is left out of training; `predictions` are the champion's.
    The counts stand in the order of `Counted`.
    """

    label: str
    trained_as: str | None
    gold: Count = Count()
    corrections: Count = Count()
    predictions: Count = Count()
    autolabels: Count = Count()

    @property
    def has_any(self) -> bool:
        """Whether anybody or anything has found an entity of it."""
        return any(
            count.entities
            for count in (self.gold, self.corrections, self.predictions, self.autolabels)
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """Every label of a project, in its order; those that only versions use come last."""

    labels: tuple[LabelBalance, ...]
    minimum: int  # gold entities under which a label is left out of training; 0: none is
    support: dict[str, int]  # trained or left out, once mapped
    suggestion: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def balance(session: Session, project: Project) -> Balance:
    """The counts of a project's labels now."""
    kept = all_counts(session, project.id, project.champion_id)
    rules = make_rules(
        project.labels,
        map_of(session, project.id),
        {label: its[Counted.GOLD][0] for label, its in kept.items() if Counted.GOLD in its},
        settings_of(project).min_support,
    )
    trained = set(rules.labels)

    def line(label: str) -> LabelBalance:
        its, name = kept.get(label, {}), rules.mapping.of(label)
        return LabelBalance(
            label,
            name if name in trained else None,
            *(Count(*its.get(kind, (0, 0))) for kind in Counted),
        )

    return Balance(
        tuple(line(label) for label in dict.fromkeys((*project.labels, *kept))),
        rules.minimum,
        dict(rules.support),
        rules.suggestion,
    )
