"""How `goldloop autolabel` tells of runs and promises: as records, and as sentences."""

from typing import Any

from sqlalchemy.orm import Session

from backend.db import autolabels
from backend.db.tables import Version
from backend.db.tables_of_autolabel import AutolabelRun, Promise, PromiseState
from backend.workflow.autolabels.audited import seen_counts


def run_record(session: Session, run: AutolabelRun) -> dict[str, Any]:
    """A run, as JSON."""
    return {
        "run": run.id,
        "version": version_names(session, {run.version_id})[run.version_id],
        "state": run.state,
        "done": run.done,
        "total": run.total,
        "chunks": len(autolabels.chunks_of(session, run.id)),
        "asked_by": run.asked_by,
        "reason": run.reason,
    }


def promise_record(session: Session, promise: Promise) -> dict[str, Any]:
    """A promise, as JSON."""
    return {
        "promise": promise.id,
        "version": version_names(session, {promise.version_id})[promise.version_id],
        "state": promise.state,
        "p": promise.p,
        "delta": promise.delta,
        "threshold": promise.threshold,
        "reason": promise.reason,
        "signed_by": promise.signed_by,
        "figures": promise.figures,
        "audited": dict(zip(("right", "wrong"), seen_counts(promise), strict=True)),
    }


def run_sentence(record: dict[str, Any] | None) -> str:
    """A run's record for people."""
    if record is None:
        return "no autolabel run yet"
    reason = f": {record['reason']}" if record["reason"] else ""
    return (
        f"run {record['run']} of {record['version']} {record['state']}{reason}, "
        f"{record['done']:,} of {record['total']:,} documents, {record['chunks']} chunks out"
    )


def promise_sentence(record: dict[str, Any] | None) -> str:
    """A promise's record for people."""
    if record is None:
        return "no promise yet"
    head = f"promise {record['promise']} of {record['version']}, {record['state']}"
    if record["threshold"] is None or record["state"] == PromiseState.STOPPED:
        return f"{head}: {record['reason']}"
    return (
        f"{head}: a document of confidence {record['threshold']:.4f} or more is exactly right with "
        f"probability {record['p']:.0%} at least, at confidence {1 - record['delta']:.0%}"
    )


def version_names(session: Session, ids: set[int]) -> dict[int, str]:
    """The names of versions, by number."""
    return {one: session.get_one(Version, one).name for one in ids}
