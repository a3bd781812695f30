"""The pages of evidence: what speaks for each pre-label of a document, and what against it.

Label Studio's labelling page leads here: by the number of a task, which it shows, or by the address
in the task's data.
"""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from backend.admin.charts.coloured import Piece, Shown, around, coloured, legend
from backend.admin.frame.paging import asked_after
from backend.admin.task_address import task_address
from backend.admin.words.wording import percent
from backend.db.annotations import document_by_task
from backend.db.mentions import Example
from backend.db.projects import project_by_key
from backend.db.tables_of_evidence import RejectionKind
from backend.opened import opened
from backend.workflow.evidence import evidence as stage
from backend.workflow.evidence.evidence import Fate, Suggestion

FATES = {
    Fate.SHOWN: _l("shown to people"),
    Fate.LEFT_OUT: _l("not shown to people"),
    Fate.REJECTED: _l("held back: people have rejected it here"),
}
KINDS = {
    RejectionKind.REMOVED: _l("removed"),
    RejectionKind.MOVED: _l("moved"),
    RejectionKind.RELABELLED: _l("relabelled"),
}
AROUND = 40  # characters of a text told on either side of a mention
MARKED = {Fate.SHOWN: "", Fate.LEFT_OUT: "", Fate.REJECTED: "removed"}
LARGEST_TASK = 2**31 - 1

evidence_page = Blueprint("evidence", __name__, url_prefix="/projects/<key>/evidence")


@evidence_page.get("")
def find(key: str) -> ResponseReturnValue:
    """Ask for the number of a task, and go on to its document."""
    task = request.args.get("task", "").strip().removeprefix("#")
    number = int(task) if task.isascii() and task.isdecimal() and len(task) <= 10 else 0
    with opened().database.read() as session:
        project = project_by_key(session, key)
        known = 0 < number <= LARGEST_TASK
        document = document_by_task(session, project.id, number) if known else None
    if document is not None:
        return redirect(url_for("evidence.show", key=key, document_id=document.id), code=303)
    return render_template("evidence_find.html", project=project, task=task)


@evidence_page.get("/<int:document_id>")
def show(key: str, document_id: int) -> ResponseReturnValue:
    """Everything that is suggested for a document, in the order of its text."""
    return _page(key, document_id, after=asked_after(-1))


@evidence_page.get("/<int:document_id>/<int:start>-<int:stop>")
def span(key: str, document_id: int, start: int, stop: int) -> ResponseReturnValue:
    """What is suggested for one span of it."""
    return _page(key, document_id, span=(start, stop))


def _page(
    key: str, document_id: int, *, after: int = -1, span: tuple[int, int] | None = None
) -> ResponseReturnValue:
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = stage.evidence(session, project, document_id, after=after, span=span)
    document = found.document
    return render_template(
        "evidence.html",
        project=project,
        evidence=found,
        document=document,
        span=span,
        text=coloured(document.text, _shown(found.suggestions), project.labels),
        legend=legend(MARKED[one.fate] for one in found.suggestions),
        labels=project.labels,
        fates=FATES,
        kinds=KINDS,
        drawn=lambda example: _drawn(example, project.labels),
        label_studio=task_address(project, document),
    )


def _shown(suggestions: Sequence[Suggestion]) -> list[Shown]:
    return [
        Shown(
            one.entity.start,
            one.entity.end,
            one.entity.label,
            MARKED[one.fate],
            "" if one.entity.probability is None else percent(one.entity.probability),
        )
        for one in suggestions
    ]


def _drawn(example: Example, labels: Sequence[str]) -> list[str | Piece]:
    text = example.text
    within = around(text, [(example.start, example.stop)], AROUND)
    one = Shown(example.start, example.stop, example.label)
    return coloured(text, [one], labels, within=within)
