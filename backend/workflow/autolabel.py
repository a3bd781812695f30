"""Autolabel: what people said of a document, said of its copies.

An exact copy that was set aside and holds the very text of its canonical document receives that
document's gold, marked as copied and of the same revision: nothing new is known by it, so nothing
is retrained for it. It follows every change of its original and is withdrawn with it. Copies whose
text differs (in spaces, in width) wait: their offsets would have to be projected. So do copies
whose own task was done: what people said there, even when they disagree, stands above a copy.
"""

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.tables import Document, Gold, GoldSource, Project, TaskState

CHUNK = 500

_original, _original_gold = aliased(Document), aliased(Gold)


def copies_behind(session: Session, project_id: int) -> bool:
    """Whether a copy's gold is not what its original's says it should be."""
    return bool(_given(session, project_id, 1) or _behind(session, project_id, 1))


def label_copies(session: Session, project: Project, limit: int = CHUNK) -> int:
    """Give, renew or withdraw the copied gold of up to `limit` copies; how many changed.

    The project's row must be locked. Gold that a copy has of its own is left alone.
    """
    behind = _behind(session, project.id, limit)
    given = _given(session, project.id, limit - len(behind))
    remove_gold(session, project.id, [gold.document_id for gold, source in behind if not source])
    renewed = [_copy(gold.document_id, source) for gold, source in behind if source]
    put_gold(session, project, renewed + [_copy(one, source) for one, source in given])
    return len(behind) + len(given)


def _copy(document_id: int, source: Gold) -> NewGold:
    return NewGold(
        document_id=document_id,
        entities=source.entities,
        source=GoldSource.COPIED,
        revision=source.revision,
        updated_at=source.updated_at,
        account_id=source.account_id,
        annotation_state_id=source.annotation_state_id,
    )


def _takes_copies() -> ColumnElement[bool]:
    """Whether a document may hold its original's gold."""
    return and_(
        Document.text == _original.text,
        func.coalesce(Document.task_state, "") != TaskState.DONE,
    )


def _given(session: Session, project_id: int, limit: int) -> list[tuple[int, Gold]]:
    """Copies that have no gold yet, with that of their originals."""
    rows = session.execute(
        select(Document.id, _original_gold)
        .join(_original, _original.id == Document.canonical_id)
        .join(_original_gold, _original_gold.document_id == _original.id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            Document.canonical_id.is_not(None),  # says the join, but an index wants it said
            Gold.document_id.is_(None),
            _original_gold.source != GoldSource.COPIED,
            _takes_copies(),
        )
        .order_by(Document.id)
        .limit(limit)
    )
    return [(document_id, source) for document_id, source in rows]


def _behind(session: Session, project_id: int, limit: int) -> list[tuple[Gold, Gold | None]]:
    """Copied gold that its original's has left behind, with that; None where it must go."""
    must_go = or_(
        _original.id.is_(None),  # no copy any more
        _original_gold.document_id.is_(None),
        _original_gold.source == GoldSource.COPIED,
        not_(_takes_copies()),
    )
    rows = session.execute(
        select(Gold, _original_gold, must_go)
        .join(Document, Document.id == Gold.document_id)
        .outerjoin(_original, _original.id == Document.canonical_id)
        .outerjoin(_original_gold, _original_gold.document_id == _original.id)
        .where(
            Gold.project_id == project_id,
            Gold.source == GoldSource.COPIED,
            or_(must_go, Gold.revision != _original_gold.revision),
        )
        .order_by(Gold.document_id)
        .limit(limit)
    )
    return [(gold, None if goes else source) for gold, source, goes in rows]
