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

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.db.tables import AnnotationState, AnnotationStatus
from backend.db.tables_of_labels import Counted, LabelCount

Entities = Sequence[Mapping[str, Any]]


def add_counts(
    session: Session,
    project_id: int,
    kind: Counted,
    version_id: int,
    before: Iterable[Entities],
    after: Iterable[Entities],
) -> None:
    """Count what a change of entity lists changes; a list is all that one document holds."""
    entities, documents = _count(after)
    for total, less in zip((entities, documents), _count(before), strict=True):
        total.subtract(less)
    _add(session, (project_id, kind, version_id), entities, documents)


def add_labels(
    session: Session,
    project_id: int,
    kind: Counted,
    version_id: int,
    labels: Iterable[Sequence[str]],
) -> None:
    """Count new entities, given the labels of each document's."""
    _add(session, (project_id, kind, version_id), *_count_labels(labels))


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


def _add(
    session: Session,
    of: tuple[int, Counted, int],
    entities: Mapping[str, int],
    documents: Mapping[str, int],
) -> None:
    """The rows are taken in the order of their labels: two writers cannot wait for each other."""
    project_id, kind, version_id = of
    labels = [label for label in sorted(entities) if entities[label] or documents[label]]
    if not labels:
        return
    its = {"project": project_id, "kind": kind.value, "version": version_id}
    changes = (labels, [entities[one] for one in labels], [documents[one] for one in labels])
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_ADD_ALL, its | dict(zip(_CHANGES, changes, strict=True)))
        return
    rows = [its | dict(zip(_CHANGES, one, strict=True)) for one in zip(*changes, strict=True)]
    connection.execute(_ADD_EACH, rows)


_CHANGES = ("labels", "entities", "documents")
_INTO = (
    "INSERT INTO label_counts (project_id, kind, version_id, label, entities, documents) "
    "SELECT :project, :kind, :version, "
)
_ELSE = (
    " ON CONFLICT (project_id, kind, version_id, label) DO UPDATE SET "
    "entities = label_counts.entities + excluded.entities, "
    "documents = label_counts.documents + excluded.documents"
)
_ADD_EACH = text(f"{_INTO} :labels, :entities, :documents WHERE true {_ELSE}")
_ADD_ALL = text(
    f"{_INTO} given.* FROM unnest(CAST(:labels AS varchar[]), CAST(:entities AS bigint[]), "
    f"CAST(:documents AS bigint[])) AS given {_ELSE}"
)


def _count(lists: Iterable[Entities]) -> tuple[Counter[str], Counter[str]]:
    """Entities by label, and documents that hold the label."""
    return _count_labels([[entity["label"] for entity in entities] for entities in lists])


def _count_labels(labels: Iterable[Sequence[str]]) -> tuple[Counter[str], Counter[str]]:
    labels = list(labels)
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
