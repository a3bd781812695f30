"""The autolabel queue's items: what a version would have a document's gold be, and what came of it.

    pending → by_rule | by_person | rejected | sent        by_rule → recalled

A version's item replaces an older version's that is pending, rejected or recalled; what is gold
already keeps the version that made it, and what people have in Label Studio is theirs.

Every change of a state is kept in `autolabel_changes`. Stages that change gold want the project's
row locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.db.tables import Project, Version
from backend.db.tables_of_autolabel import Autolabel, AutolabelChange, AutolabelState
from backend.workflow.evidence.rejections import FLAG
from backend.workflow.versions.labels import labels_of

STORED_AT_ONCE = 500  # documents a transaction


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a version says of one document."""

    document_id: int
    entities: list[dict[str, Any]]
    confidence: float


def as_gold(
    entities: Sequence[Mapping[str, Any]], project: Project, version: Version
) -> list[dict[str, Any]]:
    """A version's entities as gold holds them: its labels' names, without the probabilities.

    What people have rejected there before is left out.
    """
    named = labels_of(version).in_gold(project.labels)
    return [
        {
            "start": one["start"],
            "end": one["end"],
            "label": named.get(one["label"], one["label"]),
        }
        for one in entities
        if not one.get(FLAG)
    ]


def move(
    session: Session,
    item: Autolabel,
    state: AutolabelState,
    by: str,
    time: datetime,
    reason: str = "",
) -> None:
    """Give an item another state, and keep who did it when."""
    item.state, item.changed_by, item.changed_at = state, by, time
    session.add(
        AutolabelChange(
            document_id=item.document_id,
            version_id=item.version_id,
            state=state,
            changed_by=by,
            reason=reason,
            changed_at=time,
        )
    )
