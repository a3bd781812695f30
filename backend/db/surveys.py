"""Questions about surveys: the last one, what it found, and whether there is anything new."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, true, update
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows
from backend.db.tables import Document, Project
from backend.db.tables_of_surveys import Finding, Found, Survey


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A finding as a survey hands it over; the fields are those of `Finding`."""

    subject: str
    labels: Collection[str]
    body: dict[str, Any]


def last_survey(session: Session, project_id: int) -> Survey | None:
    """The last survey of a project; None before the first."""
    return session.get(Survey, project_id)


def findings(
    session: Session, project_id: int, kind: Found, *, after: int = -1, limit: int, label: str = ""
) -> Sequence[Finding]:
    """What was found and is not settled, from after a position on; with a label, only its own."""
    statement = select(Finding).where(
        Finding.project_id == project_id,
        Finding.kind == kind,
        Finding.position > after,
        Finding.settled.is_(False),
    )
    if label:
        statement = statement.where(Finding.labels.contains(f"\n{label}\n", autoescape=True))
    return session.scalars(statement.order_by(Finding.position).limit(limit)).all()


def open_findings(session: Session, project_id: int) -> dict[Found, int]:
    """How many findings of each kind are not settled, those too many to keep included."""
    settled = (
        select(Finding.kind, func.count().label("number"))
        .where(Finding.project_id == project_id, Finding.settled.is_(True))
        .group_by(Finding.kind)
        .subquery()
    )
    rows = session.execute(
        select(Survey.figures, settled.c.kind, settled.c.number)
        .outerjoin(settled, true())
        .where(Survey.project_id == project_id)
    ).all()
    counts = {Found(kind): n for kind, n in rows[0].figures["found"].items()} if rows else {}
    for _figures, kind, number in rows:
        if kind is not None:
            counts[Found(kind)] -= number
    return counts


def settle_findings(session: Session, project_id: int, subject: str, settled: bool = True) -> None:
    """Note that what was found about a group is decided, or is open again."""
    session.execute(
        update(Finding)
        .where(Finding.project_id == project_id, Finding.subject == subject)
        .values(settled=settled)
    )


def replace_findings(
    session: Session, project_id: int, kind: Found, found: Sequence[NewFinding]
) -> None:
    """Keep these findings of a kind, in this order, in place of those of before."""
    session.execute(
        delete(Finding).where(Finding.project_id == project_id, Finding.kind == kind),
        execution_options={"synchronize_session": False},
    )
    columns = ("project_id", "kind", "position", "subject", "labels", "body", "settled")
    rows = [
        (project_id, kind.value, position, one.subject, _lines(one.labels), one.body, False)
        for position, one in enumerate(found)
    ]
    insert_rows(session, Finding, columns, rows)


def survey_mark(session: Session, project: Project) -> str:
    """What a survey would look at now: another mark, and there may be something new to find."""
    its = Document.project_id == project.id
    copies = select(func.count()).where(its, Document.canonical_id.is_not(None)).scalar_subquery()
    near = select(func.count()).where(its, Document.near_id.is_not(None)).scalar_subquery()
    row = session.execute(select(copies, near)).one()
    return " ".join(str(number) for number in (project.gold_revision, *row))


def _lines(labels: Collection[str]) -> str:
    return "".join(f"\n{label}" for label in sorted(labels)) + "\n" if labels else ""
