"""Autolabel: what people said of a document, said of its copies.

An exact copy that was set aside and holds the very text of its canonical document receives that
document's gold, marked as copied; it follows every change of it and is withdrawn with it. Copies
whose text differs (in spaces, in width) wait: their offsets would have to be projected.
"""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from backend.db.tables import Document, Gold, GoldSource, Project

CHUNK = 500


def label_copies(session: Session, project: Project, limit: int = CHUNK) -> int:
    """Give, renew or withdraw the copied gold of up to `limit` copies; how many changed.

    The project's row must be locked. Gold that a copy has of its own is left alone.
    """
    original, original_gold = aliased(Document), aliased(Gold)
    behind = or_(
        Gold.document_id.is_(None) & original_gold.document_id.is_not(None),
        (Gold.source == GoldSource.COPIED)
        & (original_gold.document_id.is_(None) | (Gold.revision < original_gold.revision)),
    )
    rows = session.execute(
        select(Document.id, Gold, original_gold)
        .join(original, original.id == Document.canonical_id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .outerjoin(original_gold, original_gold.document_id == original.id)
        .where(Document.project_id == project.id, Document.text == original.text, behind)
        .order_by(Document.id)
        .limit(limit)
    ).all()
    if rows:
        project.gold_revision += 1
    for document_id, gold, source in rows:
        if source is None:
            session.delete(gold)
            continue
        if gold is None:
            gold = Gold(document_id=document_id, project_id=project.id, source=GoldSource.COPIED)
            session.add(gold)
        gold.entities, gold.account_id = source.entities, source.account_id
        gold.annotation_state_id = source.annotation_state_id
        gold.revision, gold.updated_at = project.gold_revision, source.updated_at
    session.flush()
    return len(rows)
