"""The page of what is with people: doubts and errors that went back to them, in one list."""

from dataclasses import dataclass
from heapq import merge

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.paging import LONGEST_KEY, PAGE_SIZE, Page
from backend.admin.words.review_words import KINDS
from backend.db.projects import project_by_key
from backend.db.review import SentBack, sent_back
from backend.db.tables_of_doubts import DoubtDecision
from backend.db.tables_of_errors import ErrorDecision
from backend.opened import opened
from ml_backend.contract.pairing import Kind

sent_back_page = Blueprint("sent_back", __name__, url_prefix="/projects/<key>/errors/sent")


@dataclass(frozen=True, slots=True)
class _Listed:
    """One that went back, the page that shows it, and what was wrong with its gold."""

    sent: SentBack
    address: str
    what: str


@sent_back_page.get("")
def show(key: str) -> ResponseReturnValue:
    """What went back, the last first, and whether its gold has changed since."""
    doubts_before, errors_before = _before()
    with opened().database.read() as session:
        project = project_by_key(session, key)
        doubts = sent_back(session, DoubtDecision, project.id, doubts_before, PAGE_SIZE + 1)
        errors = sent_back(session, ErrorDecision, project.id, errors_before, PAGE_SIZE + 1)
    rows = list(merge(doubts, errors, key=lambda row: row.decision.created_at, reverse=True))
    shown = rows[:PAGE_SIZE]
    last = {DoubtDecision: doubts_before, ErrorDecision: errors_before}
    last |= {type(row.decision): row.decision.id for row in shown}
    after = "-".join(map(str, last.values())) if len(rows) > PAGE_SIZE else None
    page = Page([_listed(key, row) for row in shown], after)
    return render_template("sent_back.html", project=project, page=page)


def _before() -> tuple[int, int]:
    """The decisions about a doubt and about an error that the address goes on before; 0: all."""
    doubt, _dash, error = request.args.get("after", "").partition("-")
    given = doubt, error
    if all(one.isascii() and one.isdecimal() and len(one) <= LONGEST_KEY for one in given):
        return int(doubt), int(error)
    return 0, 0


def _listed(key: str, row: SentBack) -> _Listed:
    decision = row.decision
    if isinstance(decision, DoubtDecision):
        what = _("label error: %(kind)s", kind=KINDS[Kind(decision.kind)])
        address = url_for("doubts.doubt", key=key, number=decision.doubt_id)
    else:
        what = _("champion and gold differ")
        address = url_for("model_errors.document", key=key, number=row.document.id)
    if not row.there:
        address = url_for("evidence.show", key=key, document_id=row.document.id)
    return _Listed(row, address, what)
