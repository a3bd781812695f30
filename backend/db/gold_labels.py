"""Questions about the labels inside gold that no count answers: they read every entity."""

from collections.abc import Sequence

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.db.tables import Part


def documents_with(session: Session, project_id: int, labels: Sequence[str]) -> int:
    """How many documents have gold with an entity of at least one of these labels."""
    statement = text(
        f"SELECT count(*) FROM gold AS g WHERE {_holds(session)}"  # noqa: S608
    )
    return int(session.execute(statement, _given(project_id, labels)).scalar_one())


def names_of_documents_with(
    session: Session, project_id: int, labels: Sequence[str], limit: int
) -> list[str]:
    """The documents' own ids, the first `limit` in the order that they came in."""
    statement = text(
        "SELECT d.external_id FROM gold AS g "  # noqa: S608
        "JOIN documents AS d ON d.id = g.document_id "
        f"WHERE {_holds(session)} ORDER BY g.document_id LIMIT :limit"
    )
    given = {**_given(project_id, labels), "limit": limit}
    return [row[0] for row in session.execute(statement, given)]


def held_out_counts(session: Session, project_id: int) -> dict[str, int]:
    """How many entities of each label are in gold that judges, of which no tagger learns."""
    label, entities = "json_extract(e.value, '$.label')", "json_each(g.entities)"
    if session.get_bind().dialect.name != "sqlite":
        label, entities = "e.value ->> 'label'", "json_array_elements(g.entities)"
    statement = text(
        f"SELECT {label}, count(*) FROM gold AS g "  # noqa: S608
        "JOIN documents AS d ON d.id = g.document_id "
        f"CROSS JOIN {entities} AS e "
        "WHERE g.project_id = :project AND d.part <> :train GROUP BY 1"
    )
    given = {"project": project_id, "train": Part.TRAIN}
    return {row[0]: int(row[1]) for row in session.execute(statement, given)}


def _holds(session: Session) -> str:
    """The condition that a row of gold is the project's and holds one of the labels."""
    if session.get_bind().dialect.name == "sqlite":
        entity = (
            "json_each(g.entities) AS e WHERE json_extract(e.value, '$.label') "
            "IN (SELECT value FROM json_each(:labels))"
        )
    else:
        entity = (
            "json_array_elements(g.entities) AS e WHERE e.value ->> 'label' "
            "IN (SELECT value FROM json_array_elements_text(CAST(:labels AS json)))"
        )
    return f"g.project_id = :project AND EXISTS (SELECT 1 FROM {entity})"  # noqa: S608


def _given(project_id: int, labels: Sequence[str]) -> dict[str, object]:
    return {"project": project_id, "labels": orjson.dumps(list(labels)).decode()}
