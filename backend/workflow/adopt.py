"""Adopt a Label Studio project that was there before: its tasks, annotations and predictions.

Nothing is changed in it: no hook, no ML backend, no setting, until `goldloop project connect`.
Adopting again goes on where it stopped. Tasks and annotations are taken over by reconciliation,
for which such a project is one where everything differs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.clients.label_studio import LabelStudio
from backend.db.annotations import documents_by_task, lock_project
from backend.db.session import Database
from backend.db.tables import Document, Prediction, Project, Version, VersionState
from backend.errors import ConflictError, InvalidInputError
from backend.workflow.correct import clean
from backend.workflow.reconcile import Report, reconcile
from ml_backend.contract.label_studio import LabelConfigError, parse_label_config

CHUNK = 200
OUR_VERSION = re.compile(r"v(\d+)")


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken over; `report` is reconciliation's."""

    project_id: int
    report: Report
    predictions: int


def adopt(
    database: Database, label_studio: LabelStudio, *, key: str, label_studio_id: int
) -> Adopted:
    """Take a Label Studio project over as the Goldloop project `key`.

    Raises ConflictError when either belongs to another project already, InvalidInputError when
    its configuration has no `<Labels>` on a `<Text>`.
    """
    theirs = label_studio.project(label_studio_id)
    with database.write() as session:
        project_id = _project(session, key, label_studio_id, theirs)
    report = reconcile(database, label_studio, project_id)
    predictions = _predictions(database, label_studio, project_id, label_studio_id)
    return Adopted(project_id, report, predictions)


def _project(session: Session, key: str, label_studio_id: int, theirs: Mapping[str, Any]) -> int:
    project = session.scalars(select(Project).where(Project.key == key)).one_or_none()
    holder = session.scalars(
        select(Project).where(Project.label_studio_id == label_studio_id)
    ).one_or_none()
    if holder is not None and holder.key != key:
        raise ConflictError(f"Label Studio project {label_studio_id} belongs to {holder.key!r}")
    if project is not None:
        if project.label_studio_id != label_studio_id:
            raise ConflictError(f"there is a project {key!r} already")
        return project.id
    config = str(theirs.get("label_config") or "")
    try:
        control = parse_label_config(config)
    except LabelConfigError as error:
        raise InvalidInputError(f"Label Studio project {label_studio_id}: {error}") from error
    project = Project(
        key=key,
        name=str(theirs.get("title") or key)[:200],
        label_config=config,
        labels=list(control.labels),
        settings={},
        label_studio_id=label_studio_id,
    )
    session.add(project)
    session.flush()
    return project.id


def _predictions(
    database: Database, label_studio: LabelStudio, project_id: int, label_studio_id: int
) -> int:
    """Keep our own copy of every stored prediction, the newest of a version and task."""
    newest: dict[tuple[int, str], Mapping[str, Any]] = {}
    stored = label_studio.predictions(label_studio_id)
    for one in sorted(stored, key=lambda prediction: int(prediction["id"])):
        if isinstance(one.get("model_version"), str) and one["model_version"]:
            newest[one["task"], one["model_version"][:63]] = one
    with database.write() as session:
        versions = _versions(session, project_id, {name for _, name in newest})
        tasks = documents_by_task(session, project_id)
    kept = 0
    for chunk in _chunks(newest.items(), CHUNK):
        with database.write() as session:
            control = parse_label_config(session.get_one(Project, project_id).label_config)
            for (task, name), one in chunk:
                document = session.get(Document, tasks.get(task, 0))
                if document is None:
                    continue
                regions = one.get("result")
                entities, _ = clean(
                    regions if isinstance(regions, list) else [], document.text, control
                )
                score = one.get("score")
                confidence = float(score) if isinstance(score, int | float) else 0.0
                session.merge(
                    Prediction(
                        document_id=document.id,
                        version_id=versions[name],
                        entities=[entity.to_dict() for entity in entities],
                        confidence=min(1.0, max(0.0, confidence)),
                    )
                )
                kept += 1
    return kept


def _versions(session: Session, project_id: int, names: Iterable[str]) -> dict[str, int]:
    """A version for each name in Label Studio; ours to come never take a name that is used."""
    project = lock_project(session, project_id)
    ids = {}
    for name in sorted(names):
        version = session.scalars(
            select(Version).where(Version.project_id == project_id, Version.name == name)
        ).one_or_none()
        if version is None:
            version = Version(
                project_id=project_id,
                name=name,
                state=VersionState.RETIRED,
                figures={"adopted": True},
            )
            session.add(version)
            session.flush()
        ids[name] = version.id
        numbered = OUR_VERSION.fullmatch(name)
        if numbered:
            project.next_version = max(project.next_version, int(numbered.group(1)) + 1)
    return ids


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
