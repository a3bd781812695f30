"""Gold as files brought it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import Document, Gold, GoldSource


def gold_of_other_files(
    session: Session, project_id: int, files: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The entities of documents whose gold a file brought, by external id.

    `files` names, for each external id, the file that has the document now: gold that the very
    same file brought is left out, and so is gold that a person has decided on since.
    """
    statement = (
        select(Document.external_id, Document.file, Gold.entities)
        .join(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            Gold.source == GoldSource.IMPORTED,
            is_one_of(session, Document.external_id, list(files)),
        )
    )
    names = set(files.values())
    if len(names) == 1:  # nearly always: the same file again brings no gold over the wire
        statement = statement.where(Document.file.is_distinct_from(names.pop()))
    return {
        name: entities for name, file, entities in session.execute(statement) if file != files[name]
    }
