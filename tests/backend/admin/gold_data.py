"""Gold with copies that differ, for the pages of labels and duplicates."""

from sqlalchemy.orm import Session

from backend.db.document_counts import count_added
from backend.db.gold import NewGold, put_gold
from backend.db.tables import Document, GoldSource, Project, now
from backend.workflow.duplicates.normal_form import group_key

PERSON, PLACE, DAY = "사람", "행정구역", "날짜"  # of annotation_configs/general.xml
WON = "김철수는 28일 서울에 갔다 😀"
# text and entities: the second is a copy of the first that was labelled otherwise
GOLD: list[tuple[str, list[tuple[int, int, str]]]] = [
    (WON, [(0, 3, PERSON), (5, 8, DAY), (9, 11, PLACE)]),
    ("김철수는  28일 서울에 갔다 😀", [(0, 3, PERSON), (10, 12, PERSON)]),
    ("서울은 춥다", [(0, 2, PLACE)]),
    ("서울은 덥다", [(0, 2, PLACE)]),
    ("부산은 28일 덥다", [(0, 2, PLACE), (4, 7, DAY)]),
]


def add_gold_documents(session: Session, project: Project) -> list[Document]:
    """These documents with imported gold; the second is set aside as a copy of the first."""
    made: list[Document] = []
    for number, (text, _) in enumerate(GOLD):
        made.append(
            Document(
                project_id=project.id,
                external_id=f"gold-{number}",
                text=text,
                group_key=group_key(text),
                deduped=True,
            )
        )
    session.add_all(made)
    session.flush()
    made[1].canonical_id = made[0].id
    count_added(session, project.id, [document.id for document in made])
    project.gold_revision += 1
    put_gold(
        session,
        project,
        [
            NewGold(
                document_id=document.id,
                entities=[{"start": s, "end": e, "label": label} for s, e, label in entities],
                source=GoldSource.IMPORTED,
                revision=project.gold_revision,
                updated_at=now(),
            )
            for document, (_, entities) in zip(made, GOLD, strict=True)
        ],
    )
    return made
