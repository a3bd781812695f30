"""The pages of doubts: gold that models which never saw it read otherwise, one by one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import Piece, Shown, around, coloured, legend, shown
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.project.running import RunningJob
from backend.admin.review.review_lines import drawn_legend, line
from backend.admin.task_address import task_address
from backend.admin.words.review_words import KINDS, by_kind, by_label
from backend.admin.words.wording import percent
from backend.admin.words.words import word
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.projects import project_by_key
from backend.db.tables import Document, Gold, Project
from backend.db.tables_of_doubts import (
    ACTIVE_DOUBT_RUNS,
    Doubt,
    DoubtRun,
    DoubtRunState,
)
from backend.errors import NotFoundError
from backend.opened import opened
from backend.workflow.review.kinds import after
from ml_backend.contract.messages import JobFolder
from ml_backend.contract.pairing import Kind

POLL_BUSY, POLL_IDLE = 1500, 15_000  # milliseconds between two looks
# kind → how gold's entities and the proposal's are marked
_DRAWN = {
    Kind.MISSED: ("", "added"),
    Kind.SPURIOUS: ("removed", ""),
    Kind.BOUNDARY: ("boundary", "boundary"),
    Kind.LABEL: ("label", "label"),
    Kind.BOTH: ("label", "label"),
}

doubts_page = Blueprint("doubts", __name__, url_prefix="/projects/<key>/errors/doubts")


@doubts_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The queue, the most doubtful first, and the run that fills it."""
    wanted = asked_for()
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = doubts.open_doubts(session, project.id, wanted, asked_after(), PAGE_SIZE + 1)
        lines = {
            doubt.id: line(
                document.text,
                [(Kind(doubt.kind), shown(doubt.gold), shown(doubt.proposal))],
                project.labels,
            )
            for doubt, document in found
        }
        counts = doubts.doubt_counts(session, project.id)
        moving = _moving(session, project)
    return render_template(
        "doubts.html",
        project=project,
        page=page_of(found, lambda row: row[0].rank),
        first=found[0][0].id if found else None,
        lines=lines,
        by_kind=by_kind(counts),
        by_label=by_label(counts),
        legend=drawn_legend(kind for kind, _label in counts),
        labels=sorted({label for _kind, label in counts}),
        wanted=wanted,
        query=filters(),
        names=KINDS,
        **moving,
    )


@doubts_page.get("/live")
def live(key: str) -> ResponseReturnValue:
    """The run that is under way, for the script that polls it."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        moving = _moving(session, project)
    return render_template("_doubts_live.html", project=project, **moving)


@doubts_page.get("/<int:number>")
def doubt(key: str, number: int) -> ResponseReturnValue:
    """One doubt: the gold, what it would be, and what else gold says of the string."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = session.get(Doubt, number)
        if found is None or found.project_id != project.id:
            raise NotFoundError("doubt", number)
        document = session.get_one(Document, found.document_id)
        gold = session.get(Gold, found.document_id)
        similar = doubts.similar_gold(
            session, {one["document"] for one in found.evidence.get("similar", ())}
        )
        next_one = following(session, project.id, number)
        decision = doubts.doubt_decision(session, found)
        counts = doubts.doubt_counts(session, project.id)
    drawn = _DRAWN[Kind(found.kind)]
    return render_template(
        "doubt.html",
        project=project,
        document=document,
        number=number,
        asked=found,
        left=sum(counts.values()),
        stale=gold is None or gold.revision != found.gold_revision,
        decision=decision,
        gold_text=_gold_text(project, document, gold, found, drawn[0]),
        proposal_text=_proposal_text(project, document, gold, found, drawn[1]),
        given=found.given,
        certainty=_certainty(found),
        legend=legend({one for one in drawn if one}),
        similar=[
            (
                similar[one["document"]][0].external_id,
                _excerpt(project, *similar[one["document"]], one),
            )
            for one in found.evidence.get("similar", ())
            if one["document"] in similar
        ],
        names=KINDS,
        following=next_one,
        query=filters(),
        label_studio=task_address(project, document),
    )


def asked_for() -> WantedDoubts:
    """The filters of the address; what is none of them is all."""
    kind = request.args.get("kind", "")
    label, documents = request.args.get("label", ""), bool(request.args.get("documents"))
    return WantedDoubts(kind if kind in set(KINDS) else "", label, documents)


def filters() -> Mapping[str, str]:
    """The filters that are set, as the addresses of further pages have them."""
    wanted = asked_for()
    documents = "1" if wanted.documents else ""
    given = {"kind": wanted.kind, "label": wanted.label, "documents": documents}
    return {name: value for name, value in given.items() if value}


def following(session: Session, project_id: int, number: int) -> int | None:
    """The next doubt of those that are asked for."""
    found = session.get(Doubt, number)
    rank = found.rank if found is not None else 0
    rows = doubts.open_doubts(session, project_id, asked_for(), rank, 1)
    return rows[0][0].id if rows else None


def _moving(session: Session, project: Project) -> dict[str, Any]:
    """The newest run as the page and the script show it."""
    runs = doubts.newest_doubt_runs(session, project.id, 1)
    run = runs[0] if runs else None
    active = run is not None and run.state in ACTIVE_DOUBT_RUNS
    return {
        "run": run,
        "job": _job(run) if run is not None and active else None,
        "poll": POLL_BUSY if active else POLL_IDLE,
    }


def _job(run: DoubtRun) -> RunningJob:
    folder = JobFolder(Path(run.folder)) if run.folder else None
    progress = folder.progress() if folder and run.state == DoubtRunState.RUNNING else None
    cancelling = folder is not None and folder.cancel_asked()
    stage = word(progress.stage) if progress else _("waiting for a training worker")
    total = progress.total if progress else 0
    return RunningJob(
        title=_("Looking for label errors"),
        stage=_("stopping") if cancelling else stage,
        asked_by=run.asked_by,
        share=min(1.0, progress.done / total) if progress and total else None,
        done=progress.done if progress else 0,
        total=total,
        seconds_left=progress.seconds_left if progress else None,
        can_cancel=not cancelling,
        cancelling=cancelling,
    )


def _gold_text(
    project: Project, document: Document, gold: Gold | None, found: Doubt, drawn: str
) -> list[str | Piece]:
    """The gold as it is, what is doubted marked."""
    doubted = {_key(one) for one in found.gold}
    entities = gold.entities if gold is not None else []
    marked = [_shown(one, drawn if _key(one) in doubted else "") for one in entities]
    return coloured(document.text, marked, project.labels)


def _proposal_text(
    project: Project, document: Document, gold: Gold | None, found: Doubt, drawn: str
) -> list[str | Piece]:
    """The gold as it would be, what is new marked."""
    if gold is None:
        return coloured(document.text, (), project.labels)
    proposed = {_key(one): one for one in found.proposal}
    proposed_gold = after(gold, found, len(document.text))
    marked = [
        _shown(proposed.get(one.key, one.to_dict()), drawn if one.key in proposed else "")
        for one in proposed_gold
    ]
    return coloured(document.text, marked, project.labels)


def _excerpt(
    project: Project, document: Document, gold: Gold, where: Mapping[str, Any]
) -> list[str | Piece]:
    """A document around the string, which is marked where no entity is."""
    span = (where["start"], where["end"])
    if span[1] > len(document.text):
        return coloured(document.text, (), project.labels)
    entities = [_shown(one, "") for one in gold.entities]
    bare = [] if any((one["start"], one["end"]) == span for one in gold.entities) else [span]
    within = around(document.text, [span])
    return coloured(document.text, entities, project.labels, changed=bare, within=within)


def _shown(one: Mapping[str, Any], drawn: str) -> Shown:
    note = percent(one["probability"]) if "probability" in one and drawn else ""
    return Shown(one["start"], one["end"], one["label"], drawn, note)


def _certainty(found: Doubt) -> float:
    """How likely the proposal is to the model; for one of no entity, that none is there."""
    if found.proposal:
        return float(min(one["probability"] for one in found.proposal))
    return 1.0 - found.given


def _key(one: Mapping[str, Any]) -> tuple[int, int, str]:
    return one["start"], one["end"], one["label"]
