"""How gold has grown: the entities that stand now, by the day on which they became gold."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def gold_by_day(session: Session, project_id: int) -> list[tuple[str, str, int]]:
    """Day (UTC, as 2026-11-22), label and entities, by day; it reads every entity of gold."""
    if session.get_bind().dialect.name == "sqlite":
        day, each, label = (
            "substr(g.updated_at, 1, 10)",
            "json_each",
            "json_extract(e.value, '$.label')",
        )
    else:
        day = "to_char(g.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        each, label = "json_array_elements", "e.value ->> 'label'"
    statement = text(
        f"SELECT {day}, {label}, count(*) FROM gold AS g, {each}(g.entities) AS e "  # noqa: S608
        "WHERE g.project_id = :project GROUP BY 1, 2 ORDER BY 1, 2"
    )
    rows = session.execute(statement, {"project": project_id})
    return [(day, label, entities) for day, label, entities in rows]
