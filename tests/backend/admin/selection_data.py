"""Batches and an ordered queue for the page of selection."""

from sqlalchemy.orm import Session

from backend.db.batches import add_batch
from backend.db.tables import Arm, Document, Project, TaskState, Version
from backend.db.tables_of_selection import Batch
from tests.backend.workflow.loop_data import add_score


def add_batches(session: Session, project: Project, count: int = 12) -> list[Batch]:
    """Batches of three documents each, every third at random; the newest has a tab.

    The champion has scored the first of each batch.
    """
    version = Version(project_id=project.id, name="v9")
    session.add(version)
    session.flush()
    project.champion_id = version.id
    made = []
    for number in range(count):
        documents = []
        for place in range(3):
            text = f"가나다 {number}-{place} 새로운 문서에는 긴 글이 있다 " * (1 + 9 * (place == 1))
            document = Document(
                project_id=project.id,
                external_id=f"batch-{number}-{place}",
                text=text,
                group_key=f"{number}-{place}",
                deduped=True,
                arm=Arm.RANDOM if place == 2 else Arm.RANKED,
                task_id=10**6 + number * 3 + place,
                task_state=TaskState.OPEN if number == count - 1 else TaskState.DONE,
                queue_number=number * 3 + place + 1,
            )
            session.add(document)
            documents.append(document)
        session.flush()
        add_score(session, documents[0], version, log_probability=-3.0, characters=8, margin=0.25)
        mixture = {"mnlp": 2.0, "cost": 1.0, "k_means": 0.5}
        by = version.id if number else None  # before there was a version
        made.append(add_batch(session, project, by, mixture, 500, documents))
    made[-1].tab_id = 77
    session.flush()
    return made
