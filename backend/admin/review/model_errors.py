"""The pages of errors: documents where champion and gold differ, listed and one by one."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import Piece, Shown, coloured
from backend.admin.frame.paging import PAGE_SIZE, page_of
from backend.admin.review.review_lines import DRAWN, drawn_legend, line
from backend.admin.task_address import task_address
from backend.admin.words.review_words import KINDS, by_kind, by_label
from backend.admin.words.wording import percent
from backend.db import differences, versions
from backend.db.differences import Place, Wanted
from backend.db.projects import project_by_key
from backend.db.tables import Document, Project, Version
from backend.db.tables_of_errors import DifferingDocument
from backend.errors import NotFoundError
from backend.opened import opened
from backend.workflow.labels.label_rules import rules_of
from backend.workflow.review.compare_gold import compared
from ml_backend.contract.entity import Entity
from ml_backend.contract.pairing import Kind, Pair

LEASTS = (0.5, 0.8, 0.9, 0.95)  # of the champion's confidence

model_errors_page = Blueprint("model_errors", __name__, url_prefix="/projects/<key>/errors")


@model_errors_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The documents, the surest of the champion first, and how many there are of each kind."""
    wanted = asked_for()
    with opened().database.read() as session:
        project = project_by_key(session, key)
        comparison = differences.comparison_of(session, project.id)
        champion = versions.champion(session, project)
        found = differences.differing(session, project.id, wanted, _after(), PAGE_SIZE + 1)
        page = page_of(found, lambda row: _key(row[0]))
        lines = _lines(session, project, page.rows)
        counts = differences.difference_counts(session, project.id)
    return render_template(
        "errors_list.html",
        project=project,
        champion=champion,
        comparison=comparison,
        page=page,
        first=found[0][0].document_id if found else None,
        lines=lines,
        by_kind=by_kind(counts),
        by_label=by_label(counts),
        legend=drawn_legend(kind for kind, _label in counts),
        labels=sorted({label for _kind, label in counts}),
        wanted=wanted,
        query=filters(),
        names=KINDS,
        leasts=LEASTS,
    )


@model_errors_page.get("/<int:number>")
def document(key: str, number: int) -> ResponseReturnValue:
    """One document: what gold says and what the champion says, their differences marked."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = session.get(DifferingDocument, number)
        rows = differences.gold_to_compare(session, [number])
        if found is None or found.project_id != project.id or not rows:
            raise NotFoundError("difference in document", number)
        version = session.get_one(Version, found.version_id)
        pairs = compared(rules_of(session, project), version, rows[0], found.entities)
        next_one = following(session, project.id, number)
        decision = differences.error_decision(session, found)
    text, labels = rows[0].document.text, project.labels
    wrong = {pair.kind for pair in pairs} - {Kind.RIGHT}
    return render_template(
        "errors_document.html",
        project=project,
        document=rows[0].document,
        gold=rows[0].gold,
        number=number,
        asked=found,
        version=version,
        stale=rows[0].gold.revision != found.gold_revision,
        decision=decision,
        gold_text=coloured(text, _of_gold(pairs), labels),
        proposal_text=coloured(text, _of_model(pairs), labels),
        certainty=found.confidence,
        legend=drawn_legend(wrong),
        wrong=[pair for pair in pairs if pair.kind != Kind.RIGHT],
        names=KINDS,
        following=next_one,
        query=filters(),
        label_studio=task_address(project, rows[0].document),
    )


def asked_for() -> Wanted:
    """The filters of the address; what is none of them is all."""
    kind = request.args.get("kind", "")
    least = request.args.get("least", 0.0, type=float)
    return Wanted(
        kind if kind in set(KINDS) else "",
        request.args.get("label", ""),
        least if 0 < least < 1 else 0.0,
    )


def filters() -> Mapping[str, str]:
    """The filters that are set, as the addresses of further pages have them."""
    wanted = asked_for()
    given = {"kind": wanted.kind, "label": wanted.label}
    given["least"] = f"{wanted.least:g}" if wanted.least else ""
    return {name: value for name, value in given.items() if value}


def following(session: Session, project_id: int, number: int) -> int | None:
    """The next document of those that are asked for."""
    found = session.get(DifferingDocument, number)
    place = Place(found.confidence, number) if found is not None else None
    rows = differences.differing(session, project_id, asked_for(), place, 1)
    return rows[0][0].document_id if rows else None


def _lines(
    session: Session, project: Project, rows: Sequence[tuple[DifferingDocument, Document]]
) -> dict[int, list[str | Piece]]:
    """Document → its line of the list."""
    rules, lines = rules_of(session, project), {}
    found = {its.document_id: its for its, _document in rows}
    for row in differences.gold_to_compare(session, found):
        its = found[row.document.id]
        version = session.get_one(Version, its.version_id)
        wrong = [
            (pair.kind, _plain(pair.gold), _plain(pair.predicted))
            for pair in compared(rules, version, row, its.entities)
            if pair.kind != Kind.RIGHT
        ]
        lines[row.document.id] = line(row.document.text, wrong, project.labels)
    return lines


def _plain(entity: Entity | None) -> list[Shown]:
    return [Shown(entity.start, entity.end, entity.label)] if entity is not None else []


def _key(found: DifferingDocument) -> str:
    return f"{found.confidence!r}-{found.document_id}"


def _after() -> Place | None:
    confidence, _dash, number = request.args.get("after", "").rpartition("-")
    try:
        return Place(float(confidence), int(number))
    except ValueError:
        return None


def _of_gold(pairs: Sequence[Pair]) -> list[Shown]:
    return [_drawn(pair.gold, pair.kind) for pair in pairs if pair.gold is not None]


def _of_model(pairs: Sequence[Pair]) -> list[Shown]:
    return [_drawn(pair.predicted, pair.kind) for pair in pairs if pair.predicted is not None]


def _drawn(entity: Entity, kind: Kind) -> Shown:
    difference = "" if kind == Kind.RIGHT else DRAWN.get(kind, kind.value)
    note = "" if entity.probability is None else percent(entity.probability)
    return Shown(entity.start, entity.end, entity.label, difference, note)
