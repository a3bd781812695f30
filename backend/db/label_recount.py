"""Label counts held against every entity there is, and set right."""

from dataclasses import dataclass

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from backend.db.label_counts import label_counts
from backend.db.tables_of_labels import Counted, LabelCount


@dataclass(frozen=True, slots=True)
class CountKey:
    """What is counted of which label."""

    kind: str
    version_id: int
    label: str


Numbers = tuple[int, int]  # entities, documents


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that is not what a recount finds."""

    key: CountKey
    kept: Numbers
    counted: Numbers

    def __str__(self) -> str:
        of = f" of version {self.key.version_id}" if self.key.version_id else ""
        return (
            f"{self.key.kind}{of}, {self.key.label!r}: {self.kept[0]} entities in {self.kept[1]} "
            f"documents are kept, {self.counted[0]} in {self.counted[1]} are there"
        )


def differences(session: Session, project_id: int) -> list[Difference]:
    """Counts that are not kept as they are: none, unless somebody went past the door."""
    kept = {
        CountKey(row.kind, row.version_id, row.label): (row.entities, row.documents)
        for row in label_counts(session, project_id)
    }
    counted = counted_anew(session, project_id)
    keys = sorted(kept.keys() | counted.keys(), key=lambda k: (k.kind, k.version_id, k.label))
    return [
        Difference(key, kept.get(key, (0, 0)), counted.get(key, (0, 0)))
        for key in keys
        if kept.get(key) != counted.get(key)
    ]


def recount(session: Session, project_id: int) -> list[Difference]:
    """Set every count of a project right; what was wrong. Its row must be held."""
    found = differences(session, project_id)
    if found:
        session.execute(delete(LabelCount).where(LabelCount.project_id == project_id))
        session.add_all(
            LabelCount(
                project_id=project_id,
                kind=key.kind,
                version_id=key.version_id,
                label=key.label,
                entities=numbers[0],
                documents=numbers[1],
            )
            for key, numbers in counted_anew(session, project_id).items()
        )
        session.flush()
    return found


def counted_anew(session: Session, project_id: int) -> dict[CountKey, Numbers]:
    """What the counts must be, by reading every entity there is."""
    found: dict[CountKey, Numbers] = {}
    each = "json_each" if session.get_bind().dialect.name == "sqlite" else "json_array_elements"
    label = "json_extract(e.value, '$.label')" if each == "json_each" else "e.value ->> 'label'"
    for kind, source in _SOURCES.items():
        statement = text(
            f"SELECT s.version_id, {label}, count(*), count(DISTINCT s.document_id) "  # noqa: S608
            f"FROM ({source}) AS s, {each}(s.entities) AS e GROUP BY 1, 2"
        )
        for version_id, name, entities, documents in session.execute(
            statement, {"project": project_id}
        ):
            found[CountKey(kind, version_id, name)] = (entities, documents)
    return found


_SOURCES = {
    Counted.GOLD: "SELECT 0 AS version_id, document_id, entities FROM gold "
    "WHERE project_id = :project",
    Counted.CORRECTION: "SELECT 0 AS version_id, a.document_id, a.corrected AS entities "
    "FROM annotation_states AS a WHERE a.project_id = :project AND a.status = 'submitted' "
    "AND a.corrected IS NOT NULL AND NOT EXISTS (SELECT 1 FROM annotation_states AS b "
    "WHERE b.document_id = a.document_id AND b.annotation_id = a.annotation_id "
    "AND (b.updated_at, b.id) > (a.updated_at, a.id))",
    Counted.PREDICTION: "SELECT p.version_id, p.document_id, p.entities FROM versions AS v "
    "JOIN predictions AS p ON p.version_id = v.id WHERE v.project_id = :project",
    Counted.AUTOLABEL: "SELECT version_id, document_id, entities FROM autolabels "
    "WHERE project_id = :project",
}
