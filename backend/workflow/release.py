"""Stage 10, the gold of this moment: JSON Lines, every slice verified on the way out.

    {"id", "text", "entities": [{"start", "end", "label", "text"}], "annotator", "updated_at",
     "source", "arm", "part", "copy_of", "meta"}

`annotator` is null for imported gold; `copy_of` names the document that this one is a copy of.
What is frozen, numbered and named by its content is made in `releases/`.
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

Span = tuple[int, int, str]


class ReleaseError(GoldloopError):
    """Stored gold that does not fit its text; nothing may be released as it is."""

    def __init__(self, document: str, reason: str):
        self.document, self.reason = document, reason
        super().__init__(f"the gold of document {document!r} cannot be released: {reason}")


def gold_lines(session: Session, project_id: int) -> Iterator[bytes]:
    """The gold of a project, one line a document in the order of import, in constant memory.

    Raises ReleaseError at the first document whose entities do not fit its text.
    """
    yield from map(line_of, _gold(session, project_id))


def gold_records(session: Session, project_id: int) -> Iterator[dict[str, Any]]:
    """The same as `gold_lines`, before they are lines."""
    yield from (gold.record for gold in _gold(session, project_id))


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


def _gold(session: Session, project_id: int) -> Iterator[GoldRecord]:
    last = 0
    while page := gold_page(session, project_id, after=last):
        yield from page
        last = page[-1].document_id


def verified(
    document: str, text: str, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Entities with their text, sorted; raises ReleaseError when one does not fit."""
    return [
        {"start": start, "end": end, "label": label, "text": text[start:end]}
        for start, end, label in spans(document, text, records)
    ]


def spans(document: str, text: str, records: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Entities as (start, end, label), sorted; raises ReleaseError when one does not fit."""
    found = []
    length = len(text)
    for record in records:
        start, end, label = record.get("start"), record.get("end"), record.get("label")
        if (
            type(start) is not int
            or type(end) is not int
            or type(label) is not str
            or not 0 <= start < end <= length
            or not label
        ):
            raise ReleaseError(document, _wrong(record, length))
        stated = record.get("text")
        if stated is not None and stated != text[start:end]:
            raise ReleaseError(
                document, f"{stated!r} is recorded where the text has {text[start:end]!r}"
            )
        found.append((start, end, label))
    found.sort()
    return found


def _wrong(record: Mapping[str, Any], length: int) -> str:
    try:
        Entity.from_dict(record, length=length)
    except EntityError as error:
        return str(error)
    raise AssertionError(f"nothing is wrong with {record}")
