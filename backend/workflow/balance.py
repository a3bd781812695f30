"""How much there is of each label: read from the counts that are kept up, nothing is scanned."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from backend.db.label_counts import label_counts
from backend.db.tables import Project
from backend.db.tables_of_labels import Counted, LabelCount
from backend.workflow.label_rules import rules_of


@dataclass(frozen=True, slots=True)
class Count:
    """Entities of a label, and documents that hold one."""

    entities: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True)
class LabelBalance:
    """One label as gold, people and versions call it.

    `trained_as` is None where the label is left out of training; `predictions` are the champion's.
    """

    label: str
    trained_as: str | None
    gold: Count = Count()
    corrections: Count = Count()
    predictions: Count = Count()
    autolabels: Count = Count()


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
    rules = rules_of(session, project)
    counts: dict[str, dict[str, Count]] = {label: {} for label in project.labels}
    for row in label_counts(session, project.id):
        if row.kind == Counted.PREDICTION and row.version_id != project.champion_id:
            continue
        its = counts.setdefault(row.label, {})
        its[row.kind] = _added(its.get(row.kind, Count()), row)
    trained = set(rules.labels)
    return Balance(
        tuple(
            LabelBalance(
                label,
                name if (name := rules.mapping.of(label)) in trained else None,
                its.get(Counted.GOLD, Count()),
                its.get(Counted.CORRECTION, Count()),
                its.get(Counted.PREDICTION, Count()),
                its.get(Counted.AUTOLABEL, Count()),
            )
            for label, its in counts.items()
        ),
        rules.minimum,
        dict(rules.support),
        rules.suggestion,
    )


def _added(count: Count, row: LabelCount) -> Count:
    """Autolabels of several versions: a document is in the queue once, so they add up."""
    return Count(count.entities + row.entities, count.documents + row.documents)
