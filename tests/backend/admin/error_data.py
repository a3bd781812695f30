"""Documents of the filled project that its champion reads otherwise than gold."""

from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, Project, Version
from backend.workflow.review.compare_gold import begin, compare

SAID = {
    "spurious": [
        {"start": 0, "end": 3, "label": "사람"},
        {"start": 9, "end": 11, "label": "행정구역"},
    ],
    "boundary": [{"start": 0, "end": 4, "label": "사람"}],
    "label": [{"start": 0, "end": 3, "label": "제품"}],
    "missed": [],
}


def find_errors(database: Database, count: int = 120) -> list[int]:
    """Compare the first documents with gold; their ids, the least sure first."""
    with database.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        version = session.get_one(Version, project.champion_id)
        statement = select(Gold).where(Gold.project_id == project.id).order_by(Gold.document_id)
        found = session.scalars(statement.limit(count)).all()
        name = found[0].entities[0]["label"]
        kinds = list(SAID.values())
        records = [
            {
                "id": str(gold.document_id),
                "entities": [
                    {
                        **one,
                        "label": name if one["label"] == "사람" else one["label"],
                        "probability": 0.93,
                    }
                    for one in kinds[number % len(kinds)]
                ],
                "confidence": number / count,
            }
            for number, gold in enumerate(found)
        ]
        begin(session, project, version)
        assert compare(session, project, version, records) == count
        return [gold.document_id for gold in found]
