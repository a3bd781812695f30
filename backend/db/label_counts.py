"""How many entities of each label there are, kept up by every writer so that nobody scans.

| kind         | what is counted                                                  | version |
| ------------ | ---------------------------------------------------------------- | ------- |
| `gold`       | entities of gold                                                 | 0       |
| `correction` | entities that people added, moved or relabelled, as each         | 0       |
|              | annotation stands now                                            |         |
| `prediction` | entities of a version's predictions                              | its id  |
| `autolabel`  | entities of the autolabel queue's items, whatever their state    | its id  |

`documents` counts those that hold at least one such entity.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db.tables import AnnotationState, AnnotationStatus
from backend.db.tables_of_labels import Counted, LabelCount

Entities = Sequence[Mapping[str, Any]]

_table = LabelCount.__table__


def add_counts(
    session: Session,
    project_id: int,
    kind: Counted,
    version_id: int,
    before: Iterable[Entities],
    after: Iterable[Entities],
) -> None:
    """Count what a change of entity lists changes; a list is all that one document holds.

    The rows are taken in the order of their labels: two writers cannot wait for each other.
    """
    entities, documents = _count(after)
    for total, less in zip((entities, documents), _count(before), strict=True):
        total.subtract(less)
    rows = [
        {
            "project_id": project_id,
            "kind": kind,
            "version_id": version_id,
            "label": label,
            "entities": entities[label],
            "documents": documents[label],
        }
        for label in sorted(entities)
        if entities[label] or documents[label]
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        insert = dialect.insert(_table)
        summed = {
            name: _table.c[name] + insert.excluded[name] for name in ("entities", "documents")
        }
        session.connection().execute(
            insert.on_conflict_do_update(index_elements=_table.primary_key, set_=summed), rows
        )


@contextmanager
def corrections_counted(session: Session, project_id: int, document_id: int) -> Iterator[None]:
    """Count what the block changes of people's corrections of a document."""
    before = _corrected(session, document_id)
    yield
    session.flush()
    after = _corrected(session, document_id)
    if before != after:
        add_counts(session, project_id, Counted.CORRECTION, 0, [before], [after])


def label_counts(session: Session, project_id: int) -> list[LabelCount]:
    """Every count of a project that is not zero, by kind, version and label."""
    statement = (
        select(LabelCount)
        .where(LabelCount.project_id == project_id, LabelCount.entities != 0)
        .order_by(LabelCount.kind, LabelCount.version_id, LabelCount.label)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def _count(lists: Iterable[Entities]) -> tuple[Counter[str], Counter[str]]:
    """Entities by label, and documents that hold the label."""
    labels = [[entity["label"] for entity in entities] for entities in lists]
    return Counter(chain.from_iterable(labels)), Counter(chain.from_iterable(map(set, labels)))


def _corrected(session: Session, document_id: int) -> list[Mapping[str, Any]]:
    """Entities that people corrected in a document, as its annotations stand now."""
    rows = session.execute(
        select(AnnotationState.annotation_id, AnnotationState.status, AnnotationState.corrected)
        .where(AnnotationState.document_id == document_id)
        .order_by(AnnotationState.updated_at, AnnotationState.id)
    )
    last = {number: (status, corrected) for number, status, corrected in rows}
    return [
        entity
        for status, corrected in last.values()
        if status == AnnotationStatus.SUBMITTED
        for entity in corrected or ()
    ]
