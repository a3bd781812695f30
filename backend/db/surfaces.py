"""Every gold entity's surface with its label and document, read as it is asked for."""

from collections.abc import Iterator

import orjson
from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from backend.db.tables import Document, Gold, GoldSource

ROWS_AT_ONCE = 2000


def surfaces(session: Session, project_id: int) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Document number and (surface, label) of each of its entities; copied gold is left out."""
    rows = session.execute(
        select(Document.id, Document.text, cast(Gold.entities, Text))
        .join(Gold, Gold.document_id == Document.id)
        .where(Gold.project_id == project_id, Gold.source != GoldSource.COPIED)
        .order_by(Document.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for number, text, entities in rows:
        yield (
            number,
            [(text[e["start"] : e["end"]], e["label"]) for e in orjson.loads(entities)],
        )
