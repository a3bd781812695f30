"""What is known of annotations made with pre-labels, and of those of the blind slice without.

A truth that is not the annotator's own is known where a curator has decided, and where several
people have annotated the document and agree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from backend.db import annotator_figures as queries
from backend.db import autolabels
from backend.db.annotator_figures import Annotated
from backend.db.tables import GoldSource, Project
from backend.workflow.annotators.agreement import Said
from backend.workflow.versions.labels import labels_of

LAST = ""  # version: the newest that has said anything
EDITS = ("added", "removed", "moved", "relabelled")


@dataclass(frozen=True, slots=True)
class Observed:
    """One annotation; `prelabels` were shown, or hidden where it is `blind`.

    They are None where they are not known: they are looked up for blind documents, and for those
    with a truth. `edits` are changes to the pre-labels, or the entities marked on an empty page.
    """

    account_id: int
    blind: bool
    seconds: float | None
    edits: int
    said: Said
    prelabels: Said | None
    truth: Said | None


def observe(session: Session, project: Project, annotations: Sequence[Annotated]) -> list[Observed]:
    """The annotations that began from pre-labels, and those of the blind slice since then.

    What the autolabel queue has people label blind is left out: it is surer than other documents.
    """
    helped = [one for one in annotations if one.version_name and one.audit is None]
    first = min((one.updated_at for one in helped), default=None)
    blind = [
        one
        for one in annotations
        if one.blind
        and not one.version_name
        and one.audit is None
        and first is not None
        and one.updated_at >= first
    ]
    truth = _truth(session, annotations)
    prelabels = _prelabels(
        session, project, [*blind, *(one for one in helped if one.document_id in truth)]
    )
    hand = [
        Observed(
            one.account_id,
            blind=True,
            seconds=one.lead_time or None,
            edits=len(one.entities),
            said=one.said,
            prelabels=prelabels.get((one.document_id, LAST)),
            truth=truth.get(one.document_id),
        )
        for one in blind
    ]
    return hand + [
        Observed(
            one.account_id,
            blind=False,
            seconds=one.lead_time or None,
            edits=sum(int(one.correction.get(kind, 0)) for kind in EDITS),
            said=one.said,
            prelabels=prelabels.get((one.document_id, one.version_name or "")),
            truth=truth.get(one.document_id),
        )
        for one in helped
    ]


def _truth(session: Session, annotations: Sequence[Annotated]) -> dict[int, Said]:
    people: defaultdict[int, set[int]] = defaultdict(set)
    for one in annotations:
        people[one.document_id].add(one.account_id)
    return {
        number: _spans(gold.entities)
        for number, gold in queries.gold_by_people(session, people).items()
        if gold.source == GoldSource.DECISION or len(people[number]) > 1
    }


def _prelabels(
    session: Session, project: Project, annotations: Sequence[Annotated]
) -> dict[tuple[int, str], Said]:
    """What each version showed of documents, by its name; what the last one hid, by LAST."""
    of = {one.document_id: one for one in annotations}
    found: dict[tuple[int, str], Said] = {}
    names: dict[int, dict[str, str]] = {}
    for said, version in queries.predicted(session, of):  # the oldest version first
        if version.id not in names:
            names[version.id] = labels_of(version).in_gold(project.labels)
        its = of[said.document_id]
        seen = autolabels.said_to_people(said, its.audit, its.item_state, blind=False)
        found[said.document_id, version.name] = _spans(seen.entities, names[version.id])
        found[said.document_id, LAST] = _spans(said.entities, names[version.id])
    return found


def _spans(entities: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> Said:
    names = names or {}
    return frozenset(
        (one["start"], one["end"], names.get(one["label"], one["label"])) for one in entities
    )
