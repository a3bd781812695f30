"""What a version says of the pool is kept: as predictions and as items of the autolabel queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.db import autolabels
from backend.db.autolabels import Waiting
from backend.db.bulk import insert_rows, is_one_of
from backend.db.label_counts import add_counts
from backend.db.projects import settings_of
from backend.db.tables import Prediction, Project, Version
from backend.db.tables_of_autolabel import (
    Audit,
    Autolabel,
    AutolabelChange,
    AutolabelState,
    Promise,
)
from backend.db.tables_of_labels import Counted
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.rule import acceptable, flagged, is_audited, make_gold

_ITEM = (
    "document_id",
    "project_id",
    "version_id",
    "promise_id",
    "state",
    "entities",
    "confidence",
    "audit",
    "changed_by",
    "changed_at",
)
_CHANGE = ("document_id", "version_id", "state", "changed_by", "reason", "changed_at")


@dataclass(frozen=True, slots=True)
class Stored:
    """How many items were new, and how many of them the rule accepted."""

    items: int = 0
    accepted: int = 0


def store(
    session: Session,
    project: Project,
    version: Version,
    promise: Promise | None,
    proposals: Sequence[Proposal],
    by: str,
    time: datetime,
) -> Stored:
    """Keep a version's proposals as predictions and items, and accept what the promise allows.

    What is stored already stays as it is, and documents that left the pool meanwhile are passed
    over, so the same proposals may come any number of times.
    """
    wanted = {proposal.document_id: proposal for proposal in proposals}
    waiting = autolabels.waiting(session, project.id, list(wanted))
    old = {
        row.document_id: row
        for row in session.execute(
            select(
                Autolabel.document_id, Autolabel.version_id, Autolabel.state, Autolabel.entities
            ).where(is_one_of(session, Autolabel.document_id, list(waiting)))
        )
    }
    fresh = [wanted[one] for one in waiting if one not in old or old[one].version_id != version.id]
    if not fresh:
        return Stored()
    fresh = flagged(session, project, version, fresh)
    _keep_predictions(session, project.id, version.id, fresh, time)
    accepted = acceptable(session, project, promise, fresh, waiting, old)
    _replace(session, project, version, promise, fresh, waiting, accepted, old, by, time)
    if promise is not None:
        make_gold(session, project, promise, [wanted[one] for one in accepted], waiting, time)
    return Stored(len(fresh), len(accepted))


def _keep_predictions(
    session: Session, project_id: int, version_id: int, fresh: Sequence[Proposal], time: datetime
) -> None:
    """Keep the predictions; those of other versions, which nobody was shown, go."""
    ids = [proposal.document_id for proposal in fresh]
    its = is_one_of(session, Prediction.document_id, ids)
    rows = session.execute(
        select(Prediction.document_id, Prediction.version_id, Prediction.entities).where(its)
    ).all()
    known = {row.document_id for row in rows if row.version_id == version_id}
    for other in {row.version_id for row in rows} - {version_id}:
        gone = [row.entities for row in rows if row.version_id == other]
        add_counts(session, project_id, Counted.PREDICTION, other, gone, ())
    if len(rows) > len(known):
        session.connection().execute(
            delete(Prediction).where(its, Prediction.version_id != version_id)
        )
    added = [proposal for proposal in fresh if proposal.document_id not in known]
    insert_rows(
        session,
        Prediction,
        ("document_id", "version_id", "entities", "confidence", "created_at"),
        ((one.document_id, version_id, one.entities, one.confidence, time) for one in added),
    )
    entities = [one.entities for one in added]
    add_counts(session, project_id, Counted.PREDICTION, version_id, (), entities)


def _replace(
    session: Session,
    project: Project,
    version: Version,
    promise: Promise | None,
    fresh: Sequence[Proposal],
    waiting: Mapping[int, Waiting],
    accepted: set[int],
    old: Mapping[int, Any],
    by: str,
    time: datetime,
) -> None:
    """Write the items, in place of those of older versions, and what changed."""
    share = settings_of(project).audit_share
    gone = [one.document_id for one in fresh if one.document_id in old]
    if gone:
        for other in {old[one].version_id for one in gone}:
            before = [old[one].entities for one in gone if old[one].version_id == other]
            add_counts(session, project.id, Counted.AUTOLABEL, other, before, ())
        session.connection().execute(
            delete(Autolabel).where(is_one_of(session, Autolabel.document_id, gone))
        )
    rule = f"promise {promise.id}" if promise is not None else ""
    rows, changes = [], []
    for one in fresh:
        taken = one.document_id in accepted
        state = AutolabelState.BY_RULE if taken else AutolabelState.PENDING
        audited = taken and promise and is_audited(promise.id, waiting[one.document_id], share)
        who = rule if taken else by
        rows.append(
            (
                one.document_id,
                project.id,
                version.id,
                promise.id if taken and promise else None,
                state,
                one.entities,
                one.confidence,
                Audit.OPEN if audited else None,
                who,
                time,
            )
        )
        if one.document_id not in old or old[one.document_id].state != state:
            changes.append((one.document_id, version.id, state, who, "", time))
    insert_rows(session, Autolabel, _ITEM, rows)
    insert_rows(session, AutolabelChange, _CHANGE, changes)
    entities = [one.entities for one in fresh]
    add_counts(session, project.id, Counted.AUTOLABEL, version.id, (), entities)
