"""A survey: one look at all of a project's gold and copies, for pages that may not scan them.

It finds the groups of copies, those that were labelled differently, strings that carry several
labels, and how gold has grown. What is found is kept in the order in which people should see it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy.orm import Session

from backend.db.duplicates import Group, largest_exact, largest_near, totals
from backend.db.gold_growth import gold_by_day
from backend.db.surfaces import surfaces
from backend.db.surveys import NewFinding
from backend.db.tables import Project
from backend.db.tables_of_surveys import Found
from backend.workflow.duplicates.conflicts import Conflict, exact_conflicts, near_conflicts
from backend.workflow.labels.surface_forms import SurfaceForm, surface_forms

KEPT = 5000  # findings of a kind: the first ones; all are counted
TOLD = 6  # differences of a conflict that its line in a list tells
POINTS = 60  # of the growth: later days are drawn together


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a survey has found; `figures` are those of the table."""

    figures: dict[str, Any]
    findings: dict[Found, list[NewFinding]]


def survey(session: Session, project: Project) -> Surveyed:
    """Look at everything; it takes seconds for each hundred thousand gold documents."""
    counted = totals(session, project.id)
    forms = surface_forms(surfaces(session, project.id))
    exact, near = (
        sorted(map(_of_conflict, found), key=lambda one: -one.body["documents"])
        for found in (exact_conflicts(session, project), near_conflicts(session, project))
    )
    found = {
        Found.EXACT_CONFLICT: len(exact),
        Found.NEAR_CONFLICT: len(near),
        Found.EXACT_GROUP: counted["exact_groups"],
        Found.NEAR_GROUP: counted["near_groups"],
        Found.SURFACE_FORM: len(forms),
    }
    findings = {
        Found.EXACT_CONFLICT: exact[:KEPT],
        Found.NEAR_CONFLICT: near[:KEPT],
        Found.EXACT_GROUP: list(map(_of_group, largest_exact(session, project.id, KEPT))),
        Found.NEAR_GROUP: list(map(_of_group, largest_near(session, project.id, KEPT))),
        Found.SURFACE_FORM: list(map(_of_form, forms[:KEPT])),
    }
    growth = growth_of(gold_by_day(session, project.id))
    return Surveyed({"totals": counted, "found": found, "growth": growth}, findings)


def growth_of(rows: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """Gold entities of each label that were there at the end of each of these days.

    `rows` are day, label and new entities. `{"days": [...], "labels": {label: [...]}}`.
    """
    by_label: dict[str, dict[str, int]] = defaultdict(dict)
    for day, label, entities in rows:
        by_label[label][day] = entities
    days = sorted({day for its in by_label.values() for day in its})
    chosen = _spread(len(days))
    sums = {
        label: list(accumulate(its.get(day, 0) for day in days)) for label, its in by_label.items()
    }
    return {
        "days": [days[at] for at in chosen],
        "labels": {label: [its[at] for at in chosen] for label, its in sorted(sums.items())},
    }


def _spread(count: int) -> Sequence[int]:
    """At most `POINTS` of so many places, evenly, with the last."""
    if count <= POINTS:
        return range(count)
    return [round(at * (count - 1) / (POINTS - 1)) for at in range(POINTS)]


def _of_conflict(conflict: Conflict) -> NewFinding:
    differences = [one for variant in conflict.variants for one in variant.differences]
    return NewFinding(
        conflict.subject,
        {label for one in differences for label in one.labels},
        {
            "document": conflict.variants[0].first.document_id,
            "documents": sum(len(variant.documents) for variant in conflict.variants),
            "votes": [variant.votes for variant in conflict.variants],
            "majority": conflict.majority,
            "differences": [[one.kind, one.before, one.after] for one in differences[:TOLD]],
        },
    )


def _of_group(group: Group) -> NewFinding:
    return NewFinding("", (), {"document": group.id, "documents": group.documents})


def _of_form(form: SurfaceForm) -> NewFinding:
    return NewFinding("", [one.label for one in form.labels], asdict(form))
