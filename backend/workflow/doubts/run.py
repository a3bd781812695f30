"""A run that looks for doubts: opened, moved on by its folder, and its finds kept in the queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from backend.db import doubts
from backend.db.audit_log import record
from backend.db.bulk import insert_rows
from backend.db.tables import Document, Gold, Project
from backend.db.tables_of_doubts import (
    ACTIVE_DOUBT_RUNS,
    Doubt,
    DoubtDecision,
    DoubtRun,
    DoubtRunState,
)
from backend.errors import ConflictError
from backend.workflow.doubts.evidence import Evidence
from backend.workflow.doubts.rank import Ranked
from backend.workflow.labels.label_map import LabelMap
from ml_backend.contract.entity import Entity
from ml_backend.contract.messages import JobFolder

KEPT = 20_000  # doubts of a run, the first of its queue

_COLUMNS = (
    *("project_id", "document_id", "run_id", "rank", "score", "kind", "label", "gold", "proposal"),
    *("given", "evidence", "gold_revision", "verdict"),
)


class NewDoubt(NamedTuple):
    """A doubt as the job's files tell of it; `rank` is from 1."""

    rank: int
    ranked: Ranked
    evidence: Evidence


def open_run(session: Session, project: Project, asked_by: str) -> DoubtRun:
    """Begin a run; the project's row must be locked. Raises ConflictError while one is active."""
    active = doubts.active_doubt_run(session, project.id)
    if active is not None:
        raise ConflictError("gold is being looked through already")
    run = DoubtRun(project_id=project.id, asked_by=asked_by)
    session.add(run)
    session.flush()
    record(session, asked_by, "review.look", project_id=project.id, subject=f"look {run.id}")
    return run


def look(run: DoubtRun, folder: JobFolder, now: datetime, lease_seconds: int) -> None:
    """Move an active run by what its folder says, but for a result that is done.

    A heartbeat that moved renews the lease; silence beyond it means that the worker died.
    """
    result, progress = folder.result(), folder.progress()
    if result is not None:
        if result.state != "done":
            finish(run, DoubtRunState(result.state), result.reason, now)
    elif run.state == DoubtRunState.WAITING and folder.cancel_asked():
        finish(run, DoubtRunState.CANCELLED, "cancelled before it began", now)
    elif progress is not None and (progress.beat != run.beat or run.lease_until is None):
        run.state, run.beat = DoubtRunState.RUNNING, progress.beat
        run.lease_until = now + timedelta(seconds=lease_seconds)
    elif run.lease_until is not None and run.lease_until < now:
        reason = f"the worker died: no sign of life for {lease_seconds} s"
        finish(run, DoubtRunState.FAILED, reason, now)


def finish(run: DoubtRun, state: DoubtRunState, reason: str, now: datetime) -> None:
    """End a run."""
    run.state, run.reason, run.finished_at, run.lease_until = state, reason, now, None


def cancel(run: DoubtRun, folder: JobFolder, now: datetime) -> None:
    """Ask a run to stop: one that waits ends at once, another at its next step."""
    if run.state not in ACTIVE_DOUBT_RUNS:
        raise ConflictError("no gold is being looked through")
    if run.folder:
        folder.ask_to_cancel()
    if run.state == DoubtRunState.WAITING:
        finish(run, DoubtRunState.CANCELLED, "cancelled before it began", now)


def keep(
    session: Session, project: Project, run: DoubtRun, mapping: LabelMap, found: Sequence[NewDoubt]
) -> int:
    """Put some finds of a run into the queue; how many were.

    Left out is what gold does not say any more, and what people have decided about already: that
    this piece of gold is right or all of the document's, or that people look again. `project` must
    be held.
    """
    names = {one.ranked.place.document for one in found}
    names |= {mention.document for one in found for mention in one.evidence.similar}
    documents = doubts.gold_by_name(session, project.id, names)
    ids = [document.id for document, _ in documents.values()]
    decided, upheld = doubts.upheld_places(session, ids), doubts.upheld_gold(session, ids)
    called: dict[str, str] = {}  # what is trained → the project's label that means it
    for label in project.labels:
        called.setdefault(mapping.of(label), label)
    rows = []
    for new in found:
        if new.ranked.place.document not in documents:
            continue
        document, gold = documents[new.ranked.place.document]
        if (document.id, gold.revision) in upheld:
            continue
        sides = _in_gold(new.ranked, gold, mapping, called)
        if sides is None or any(_is_about(one, *sides) for one in decided.get(document.id, ())):
            continue
        rows.append(_row(new, run, document, gold, sides, documents))
    insert_rows(session, Doubt, _COLUMNS, rows)
    return len(rows)


_Sides = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # gold, proposal


def _in_gold(
    ranked: Ranked, gold: Gold, mapping: LabelMap, called: Mapping[str, str]
) -> _Sides | None:
    """Both sides as gold calls them; None where gold is not, or not only, what was looked at."""
    place = ranked.place
    wanted = {entity.key for entity in place.gold.entities}
    proposal = [
        {**entity.to_dict(), "label": called[entity.label]}
        for entity in place.model.entities
        if entity.label in called
    ]
    if len(proposal) < len(place.model.entities):
        return None
    standing = [one for one in gold.entities if _key(one, mapping) in wanted]
    touched = [
        one
        for one in gold.entities
        if any(_overlaps(one, entity) for entity in [*place.gold.entities, *place.model.entities])
    ]
    if len(standing) != len(wanted) or len(touched) != len(standing):
        return None
    return standing, proposal


def _key(entity: Mapping[str, Any], mapping: LabelMap) -> tuple[int, int, str]:
    return entity["start"], entity["end"], mapping.of(entity["label"])


def _overlaps(record: Mapping[str, Any], entity: Entity) -> bool:
    return bool(record["start"] < entity.end and entity.start < record["end"])


def _is_about(
    decision: DoubtDecision,
    gold: Sequence[Mapping[str, Any]],
    proposal: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether a decision was about this piece of gold, or about there being none here."""
    if gold or decision.gold:
        return _keys(decision.gold) == _keys(gold)
    return any(
        one["start"] < other["end"] and other["start"] < one["end"]
        for one in decision.proposal
        for other in proposal
    )


def _keys(entities: Sequence[Mapping[str, Any]]) -> set[tuple[int, int, str]]:
    return {(one["start"], one["end"], one["label"]) for one in entities}


def _row(
    new: NewDoubt,
    run: DoubtRun,
    document: Document,
    gold: Gold,
    sides: _Sides,
    documents: Mapping[str, tuple[Document, Gold]],
) -> tuple[Any, ...]:
    there, proposal = sides
    evidence = {
        "strings": new.evidence.strings,
        "similar": [
            {"document": documents[one.document][0].id, "start": one.start, "end": one.end}
            for one in new.evidence.similar
            if one.document in documents
        ],
    }
    return (
        run.project_id,
        document.id,
        run.id,
        new.rank,
        new.ranked.score,
        new.ranked.place.kind.value,
        (there or proposal)[0]["label"],
        there,
        proposal,
        new.ranked.place.gold.probability,
        evidence,
        gold.revision,
        doubts.NOBODY,
    )
