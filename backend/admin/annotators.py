"""The pages of a project's annotators: figures of each person, and how far they agree.

Who is an annotator sees their own figures and open tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import Piece, Shown, around, coloured
from backend.admin.frame.paging import asked_after, page_of
from backend.admin.frame.permissions import may
from backend.db import annotator_figures as queries
from backend.db import pool, sharing
from backend.db.members import members
from backend.db.projects import project_by_key
from backend.db.tables import Document, Project, Role
from backend.opened import kept_figures, opened
from backend.workflow.annotators.agreement import SharedDocument
from backend.workflow.annotators.figures import NEWEST, AnnotatorFigures

ROWS = 20  # disagreements a page
WAITING = 100  # documents that are settled at once
IDLE = 20  # members without an annotation that are named
TABS: dict[str, LazyString] = {
    "annotators.show": _l("People"),
    "annotators.agreement": _l("Agreement"),
}

annotators_page = Blueprint("annotators", __name__, url_prefix="/projects/<key>/annotators")


@dataclass(frozen=True, slots=True)
class ShownDisagreement:
    """A document of which people said different things, each reading with what is its own."""

    document: Document
    readings: Sequence[tuple[int, list[str | Piece]]]  # account and text


@annotators_page.get("")
def show(key: str) -> ResponseReturnValue:
    """Speed, edits, acceptance, and what pre-labels do: of everybody for a curator, else own."""
    everybody = may(current_user.role, Role.CURATOR)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        figures = _figures(session, project)
        accounts = queries.people(session, [one.account_id for one in figures.people])
        shown = [
            one for one in figures.people if everybody or one.account_id == current_user.account_id
        ]
        most = len(accounts) + IDLE + 1  # so that of all members enough are idle
        idle = [
            member.account
            for member in (members(session, project.id, limit=most) if everybody else ())
            if member.account.id not in accounts
        ]
        open_tasks = pool.open_count(session, project.id)
    settings = opened().settings
    address = settings.label_studio_public_url or settings.label_studio_url
    number = project.label_studio_id
    return render_template(
        "annotators.html",
        project=project,
        tabs=TABS,
        figures=figures,
        shown=shown,
        accounts=accounts,
        idle=idle[:IDLE],
        more_idle=len(idle) > IDLE,
        everybody=everybody,
        open_tasks=open_tasks,
        newest=NEWEST,
        label_studio=f"{address}/projects/{number}/data" if address and number else None,
    )


@annotators_page.get("/agreement")
def agreement(key: str) -> ResponseReturnValue:
    """How far people agree, by label and by pair, and the documents on which they do not."""
    label = request.args.get("label", "")
    number, decided = divmod(asked_after(-2), 2)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        figures = _figures(session, project)
        accounts = queries.people(session, [one.account_id for one in figures.people])
        places = {  # what waits comes first
            (one.number not in figures.undecided, one.number): one
            for one in figures.agreement.disagreements
            if not label or label in _labels_apart(one)
        }
        rest = sorted(place for place in places if place > (decided, number))
        page = page_of(rest[: ROWS + 1], lambda place: 2 * place[1] + place[0], ROWS)
        shown = _shown(session, project, [places[place] for place in page.rows])
        waiting = sharing.waiting(session, project.id, WAITING + 1)
    return render_template(
        "annotators_agreement.html",
        project=project,
        tabs=TABS,
        figures=figures,
        accounts=accounts,
        page=page,
        shown=shown,
        label=label,
        waiting=waiting[:WAITING],
        more_wait=len(waiting) > WAITING,
    )


def _shown(
    session: Session, project: Project, chosen: Sequence[SharedDocument]
) -> list[ShownDisagreement]:
    documents = pool.documents(session, [one.number for one in chosen])
    return [
        ShownDisagreement(
            documents[one.number],
            [(person, _reading(one, person, project.labels)) for person in sorted(one.said)],
        )
        for one in chosen
        if one.number in documents
    ]


def _reading(one: SharedDocument, person: int, labels: Sequence[str]) -> list[str | Piece]:
    """One person's reading, marked where not everybody has the same."""
    agreed = frozenset.intersection(*map(frozenset, one.said.values()))
    apart = {(s, e) for said in one.said.values() for s, e, _ in said - agreed}
    entities = [
        Shown(start, end, label, "" if (start, end, label) in agreed else "added")
        for start, end, label in sorted(one.said[person])
    ]
    return coloured(one.text, entities, labels, within=around(one.text, apart))


def _labels_apart(one: SharedDocument) -> set[str]:
    """The labels of entities that not everybody has."""
    agreed = frozenset.intersection(*map(frozenset, one.said.values()))
    return {label for said in one.said.values() for _, _, label in said - agreed}


def _figures(session: Session, project: Project) -> AnnotatorFigures:
    return kept_figures().of(session, project)
