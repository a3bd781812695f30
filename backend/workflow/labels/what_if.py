"""What a minimum support, a merge or a new name would change, before anyone retrains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from backend.db.gold_labels import documents_with
from backend.db.label_balance import gold_counts
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.workflow.labels.label_rules import LabelRules, make_rules, map_of

Pairs = Sequence[tuple[str, str]]
Numbers = tuple[int, int]  # entities, documents


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What becomes of one label in gold: the label that it is trained as, None for left out."""

    label: str
    before: str | None
    after: str | None
    entities: int
    documents: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would change. `documents` hold at least one entity that does, or are at most so many."""

    minimum_before: int
    minimum: int
    trained: dict[str, int]  # label → gold entities
    left_out: dict[str, int]
    changes: tuple[LabelChange, ...]
    documents: int
    at_most: bool = False

    @property
    def entities(self) -> int:
        """Gold entities that would be trained under another label, no more, or again."""
        return sum(change.entities for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "min_support": {"before": self.minimum_before, "after": self.minimum},
            "trained": self.trained,
            "left_out": self.left_out,
            "changes": [
                {
                    "label": change.label,
                    "before": change.before,
                    "after": change.after,
                    "entities": change.entities,
                    "documents": change.documents,
                }
                for change in self.changes
            ],
            "entities": self.entities,
            "documents": self.documents,
        }


def what_if(
    session: Session,
    project: Project,
    *,
    min_support: int | None = None,
    merges: Pairs = (),
    renames: Pairs = (),
    exactly: bool = True,
) -> WhatIf:
    """What these would change against what is in force; merges are thought done first.

    Without `min_support` the project's stays. Counts come from what is kept up; only where several
    labels change does it look which documents hold two of them, unless it need not be exact: then
    no gold is read. Raises InvalidInputError for a merge or a name that cannot be.
    """
    gold = gold_counts(session, project.id)
    entities = {label: numbers[0] for label, numbers in gold.items()}
    mapping, set_now = map_of(session, project.id), settings_of(project).min_support
    before = make_rules(project.labels, mapping, entities, set_now)
    for label, into in merges:
        mapping = mapping.merge(label, into)
    for label, name in renames:
        mapping = mapping.rename(label, name)
    set_then = set_now if min_support is None else min_support
    after = make_rules(project.labels, mapping, entities, set_then)
    seen = difference(
        before,
        after,
        gold,
        lambda labels: (
            documents_with(session, project.id, labels)
            if exactly
            else sum(gold[label][1] for label in labels)
        ),
    )
    several = sum(1 for change in seen.changes if change.documents) > 1
    return replace(seen, at_most=several and not exactly)


def difference(
    before: LabelRules,
    after: LabelRules,
    gold: Mapping[str, Numbers],
    documents_with: Callable[[Sequence[str]], int],
) -> WhatIf:
    """The difference of two rules on gold of which so much is there.

    `documents_with` counts the documents that hold at least one of several labels.
    """
    changes = tuple(
        LabelChange(label, _fate(before, label), _fate(after, label), *gold.get(label, (0, 0)))
        for label in dict.fromkeys((*before.known, *gold))
        if _fate(before, label) != _fate(after, label)
    )
    held = [change.label for change in changes if change.documents]
    return WhatIf(
        before.minimum,
        after.minimum,
        {label: after.support[label] for label in after.labels},
        after.left_out,
        changes,
        documents_with(held) if len(held) > 1 else sum(change.documents for change in changes),
    )


def _fate(rules: LabelRules, label: str) -> str | None:
    name = rules.mapping.of(label)
    return name if rules.support.get(name, -1) >= rules.minimum else None
