"""Stage 10, first form: gold as JSON Lines, every slice verified on the way out.

    {"id", "text", "entities": [{"start", "end", "label", "text"}], "annotator", "updated_at",
     "source", "arm", "part", "copy_of", "meta"}

`annotator` is null for imported gold; `copy_of` names the document that this one is a copy of.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from backend.db.tables import Account, Document, Gold
from backend.errors import GoldloopError
from ml_backend.contract.entity import Entity, EntityError

PAGE = 200  # documents in memory at a time


class ReleaseError(GoldloopError):
    """Stored gold that does not fit its text; nothing may be released as it is."""

    def __init__(self, document: str, reason: str):
        self.document, self.reason = document, reason
        super().__init__(f"the gold of document {document!r} cannot be released: {reason}")


def gold_lines(session: Session, project_id: int) -> Iterator[bytes]:
    """The gold of a project, one line a document in the order of import, in constant memory.

    Raises ReleaseError at the first document whose entities do not fit its text.
    """
    last = 0
    while page := gold_page(session, project_id, after=last):
        yield from map(line_of, page)
        last = page[-1].document_id


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """One gold document, verified; `record` is what its line holds."""

    document_id: int
    record: dict[str, Any]


def line_of(gold: GoldRecord) -> bytes:
    """The line of a record. Made when it is sent: orjson's buffers are ten times the line."""
    return orjson.dumps(gold.record, option=orjson.OPT_APPEND_NEWLINE)


def gold_page(
    session: Session, project_id: int, *, after: int, limit: int = PAGE
) -> list[GoldRecord]:
    """Up to `limit` gold documents, from the first id above `after`."""
    canonical = aliased(Document)
    rows = session.execute(
        select(
            Document.id,
            Document.external_id,
            Document.text,
            Document.meta,
            Document.arm,
            Document.part,
            canonical.external_id.label("copy_of"),
            Gold.entities,
            Gold.source,
            Gold.updated_at,
            Account.email,
        )
        .join(Gold, Gold.document_id == Document.id)
        .outerjoin(Account, Account.id == Gold.account_id)
        .outerjoin(canonical, canonical.id == Document.canonical_id)
        .where(Gold.project_id == project_id, Gold.document_id > after)
        .order_by(Gold.document_id)
        .limit(limit)
    )
    return [
        GoldRecord(
            row.id,
            {
                "id": row.external_id,
                "text": row.text,
                "entities": verified(row.external_id, row.text, row.entities),
                "annotator": row.email,
                "updated_at": row.updated_at,
                "source": row.source,
                "arm": row.arm,
                "part": row.part,
                "copy_of": row.copy_of,
                "meta": row.meta,
            },
        )
        for row in rows
    ]


def verified(
    document: str, text: str, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Entities with their text, sorted; raises ReleaseError when one does not fit."""
    try:
        entities = sorted(Entity.from_dict(record, length=len(text)) for record in records)
    except EntityError as error:
        raise ReleaseError(document, str(error)) from error
    released = []
    for entity, record in zip(entities, sorted(records, key=_span), strict=True):
        found = text[entity.start : entity.end]
        if record.get("text", found) != found:
            raise ReleaseError(
                document, f"{record['text']!r} is recorded where the text has {found!r}"
            )
        released.append({**_plain(entity), "text": found})
    return released


def _span(record: Mapping[str, Any]) -> tuple[int, int, str]:
    return (record["start"], record["end"], record["label"])


def _plain(entity: Entity) -> dict[str, Any]:
    return {"start": entity.start, "end": entity.end, "label": entity.label}
