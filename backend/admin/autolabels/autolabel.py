"""The page of the autolabel queue: its items, the run that fills it, the promise and its audit."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backend.admin.autolabels.autolabel_list import (
    AUDITS,
    LISTS,
    PROMISE_STATES,
    REASONS,
    ShownItem,
    list_name,
    shown_item,
    wanted_from,
)
from backend.admin.charts.promise_chart import promise_chart
from backend.db import autolabel_queue, autolabels
from backend.db.autolabel_queue import Place, Row, Wanted
from backend.db.autolabels import Waiting
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.tables_of_autolabel import Audit, Promise, PromiseState
from backend.opened import opened
from backend.workflow.autolabels.chunks import progress_of
from backend.workflow.select import random_border

ITEMS, PROMISES = 20, 10  # that are shown
POLL_BUSY, POLL_IDLE = 1500, 10_000  # milliseconds between two looks

autolabel_page = Blueprint("autolabel", __name__, url_prefix="/projects/<key>/autolabel")


@autolabel_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The items that the address asks for, and what is promised."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        promises = autolabel_queue.newest_promises(session, project.id, PROMISES)
        promise = promises[0] if promises else None
        wanted = wanted_for(project, promise, request.args)
        after = Place.read(request.args.get("after", ""))
        found = autolabel_queue.find(session, project.id, wanted, after=after, limit=ITEMS)
        audits = autolabels.audit_counts(session, project.id)
        states = autolabels.state_counts(session, project.id)
        named = autolabel_queue.version_names(session, project.id)
        items = _items(session, project, wanted, found.rows, named)
        moving = _moving(session, project, named)
    return render_template(
        "autolabel.html",
        **moving,
        items=items,
        next=found.next,
        wanted=wanted,
        listed=list_name(wanted),
        lists={**LISTS, **{f"audit-{name}": title for name, title in AUDITS.items()}},
        counts={**states, **_audit_counts(audits)},
        reasons=REASONS,
        searched=autolabel_queue.LOOKED_AT,
        promise=promise,
        promise_states=PROMISE_STATES,
        audited=_audited(promises, audits),
        curve=promise_chart(promise) if promise is not None else None,
    )


@autolabel_page.get("/live")
def live(key: str) -> ResponseReturnValue:
    """The part of the page that moves, for the script that polls it."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        moving = _moving(session, project, autolabel_queue.version_names(session, project.id))
    return render_template("_autolabel_live.html", **moving)


def wanted_for(project: Project, promise: Promise | None, query: Mapping[str, str]) -> Wanted:
    """The filters of an address, read with a project's newest promise."""
    kept = promise is not None and promise.state == PromiseState.IN_FORCE
    threshold = promise.threshold if promise is not None and kept else None
    return wanted_from(query, threshold, random_border(settings_of(project).random_share))


def _items(
    session: Session,
    project: Project,
    wanted: Wanted,
    rows: Sequence[Row],
    named: dict[int, str],
) -> list[ShownItem]:
    waiting = [Waiting(row.document_id, row.group_key, row.near_id) for row in rows]
    judging = autolabels.judging(session, project.id, waiting, wanted.border) if rows else set()
    said = autolabel_queue.last_reasons(session, [row.document_id for row in rows])
    return [
        shown_item(
            row,
            named.get(row.version_id, ""),
            project.labels,
            judging=judging,
            said=said.get(row.document_id, ""),
            threshold=wanted.threshold,
        )
        for row in rows
    ]


def _moving(session: Session, project: Project, named: dict[int, str]) -> dict[str, object]:
    run = autolabels.last_run(session, project.id)
    active = run if run is not None and run.state in autolabels.ACTIVE else None
    chunks = autolabels.chunks_of(session, active.id) if active is not None else []
    return {
        "project": project,
        "run": run,
        "progress": progress_of(active, chunks) if active is not None else None,
        "named": named,
        "poll": POLL_BUSY if active is not None else POLL_IDLE,
    }


def _audited(
    promises: Sequence[Promise], counts: dict[tuple[int | None, str], int]
) -> list[dict[str, object]]:
    """The promises that have accepted something, with what their audits have found."""
    return [
        {
            "promise": promise,
            "upper": promise.figures.get("audit", {}).get("upper", 1.0),
            **{audit.value: counts.get((promise.id, audit), 0) for audit in Audit},
        }
        for promise in promises
        if any(counts.get((promise.id, audit)) for audit in Audit)
    ]


def _audit_counts(counts: dict[tuple[int | None, str], int]) -> dict[str, int]:
    return {
        f"audit-{audit}": sum(n for (_, name), n in counts.items() if name == audit)
        for audit in Audit
    }
