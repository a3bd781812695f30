"""Stage 10, the gold of this moment: JSON Lines, every slice verified on the way out.

    {"id", "text", "entities": [{"start", "end", "label", "text"}], "not_annotated"?, "meta",
     "annotator", "updated_at", "source", "arm", "part", "copy_of"}

`annotator` is null for imported gold; `copy_of` names the document that this one is a copy of.
Labels are called as gold has them: renamed and merged they are in what is frozen, numbered and
named by its content (`releases/`). `not_annotated` are those that nobody looked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from backend.db.projects import walked_in
from backend.db.tables import Account, Document, Gold, GoldSource, Project
from backend.errors import GoldloopError
from backend.workflow.formats.format import ExportDocument
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.labels.label_rules import LabelRules, rules_of
from ml_backend.contract.entity import Entity, EntityError

PAGE = 200  # documents in memory at a time

Span = tuple[int, int, str]


class ReleaseError(GoldloopError):
    """Stored gold that does not fit its text; nothing may be released as it is."""

    def __init__(self, document: str, reason: str):
        self.document, self.reason = document, reason
        super().__init__(f"the gold of document {document!r} cannot be released: {reason}")


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """One gold document, verified; `record` is what its line holds."""

    document_id: int
    record: dict[str, Any]

    def to_export(self) -> ExportDocument:
        """For the formats."""
        its, length = self.record, len(self.record["text"])
        entities = [Entity.from_dict(entity, length=length) for entity in its["entities"]]
        silent = tuple(its.get("not_annotated", ()))
        return ExportDocument(its["id"], its["text"], entities, its["meta"], silent)


def gold_records(session: Session, project: Project) -> Iterator[GoldRecord]:
    """The gold of a project in the order of import, in constant memory.

    Raises ReleaseError at the first document whose entities do not fit its text.
    """
    rules, last = gold_rules(session, project), 0
    while page := gold_page(session, project.id, rules, after=last):
        yield from page
        last = page[-1].document_id


def gold_rules(session: Session, project: Project) -> LabelRules:
    """The rules of a project's labels as gold calls them."""
    return replace(rules_of(session, project), mapping=LabelMap())


def line_of(gold: GoldRecord) -> bytes:
    """The line of a record. Made when it is sent: orjson's buffers are ten times the line."""
    return orjson.dumps(gold.record, option=orjson.OPT_APPEND_NEWLINE)


def gold_page(
    session: Session, project_id: int, rules: LabelRules, *, after: int, limit: int = PAGE
) -> list[GoldRecord]:
    """Up to `limit` gold documents, from the first id above `after`; see `gold_rules`."""
    canonical, original = aliased(Document), aliased(Gold)
    rows = session.execute(
        select(
            Document.id,
            Document.external_id,
            Document.text,
            Document.meta,
            Document.arm,
            Document.part,
            Document.not_annotated,
            canonical.external_id.label("copy_of"),
            canonical.not_annotated.label("original_not_annotated"),
            original.source.label("original_source"),
            Gold.entities,
            Gold.source,
            Gold.revision,
            Gold.version_name,
            Gold.updated_at,
            Account.email,
        )
        .join(Gold, Gold.document_id == Document.id)
        .outerjoin(Account, Account.id == Gold.account_id)
        .outerjoin(canonical, canonical.id == Document.canonical_id)
        .outerjoin(original, original.document_id == Document.canonical_id)
        .where(walked_in(Gold.project_id, project_id), Gold.document_id > after)
        .order_by(Gold.document_id)
        .limit(limit)
    )
    return [GoldRecord(row.id, _record(row, rules)) for row in rows]


def _record(row: Any, rules: LabelRules) -> dict[str, Any]:
    copied = row.source == GoldSource.COPIED and row.original_source is not None
    silent = rules.not_annotated(
        row.original_not_annotated if copied else row.not_annotated,
        row.revision,
        row.original_source if copied else row.source,
        row.version_name,
    )
    return {
        "id": row.external_id,
        "text": row.text,
        "entities": verified(row.external_id, row.text, row.entities),
        **({"not_annotated": sorted(silent)} if silent else {}),
        "meta": row.meta,
        "annotator": row.email,
        "updated_at": row.updated_at,
        "source": row.source,
        "arm": row.arm,
        "part": row.part,
        "copy_of": row.copy_of,
    }


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
