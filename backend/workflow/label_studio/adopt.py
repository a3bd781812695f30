"""Adopt a Label Studio project that was there before: the project, its versions' predictions.

`backend/loop/adopt.py` reads them from Label Studio and takes them over, chunk by chunk.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.annotations import document_by_task
from backend.db.label_counts import add_counts
from backend.db.tables import Prediction, Project, Version, VersionState
from backend.db.tables_of_labels import Counted
from backend.db.versions import locked_project
from backend.errors import ConflictError, InvalidInputError
from backend.workflow.correct import clean
from ml_backend.contract.label_studio import LabelConfigError, parse_label_config

OUR_VERSION = re.compile(r"v(\d+)")


def take_project(
    session: Session, key: str, label_studio_id: int, theirs: Mapping[str, Any]
) -> int:
    """The Goldloop project of a Label Studio project's JSON, made when there is none; its id.

    Raises ConflictError when either belongs to another project already, InvalidInputError when
    its configuration has no `<Labels>` on a `<Text>`.
    """
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
        label_studio_since=theirs["created_at"],
    )
    session.add(project)
    session.flush()
    return project.id


def take_versions(session: Session, project_id: int, names: Iterable[str]) -> dict[str, int]:
    """A version for each name in Label Studio; ours to come never take a name that is used."""
    project = locked_project(session, project_id)
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


def newest(stored: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of stored predictions, the newest of each version and task."""
    found: dict[tuple[int, str], Mapping[str, Any]] = {}
    for one in sorted(stored, key=lambda prediction: int(prediction["id"])):
        if isinstance(one.get("model_version"), str) and one["model_version"]:
            found[one["task"], version_name(one)] = one
    return list(found.values())


def version_name(prediction: Mapping[str, Any]) -> str:
    """The version that a stored prediction names, as we keep it."""
    return str(prediction["model_version"])[:63]


def take_predictions(
    session: Session,
    project_id: int,
    stored: Sequence[Mapping[str, Any]],
    versions: Mapping[str, int],
) -> int:
    """Keep our own copy of stored predictions whose task we know; how many."""
    control = parse_label_config(session.get_one(Project, project_id).label_config)
    kept = 0
    for one in stored:
        document = document_by_task(session, project_id, one["task"])
        if document is None:
            continue
        regions = one.get("result")
        entities, _ = clean(regions if isinstance(regions, list) else [], document.text, control)
        version_id = versions[version_name(one)]
        ours = session.get(Prediction, (document.id, version_id))
        before = [ours.entities] if ours is not None else []
        after = [entity.to_dict() for entity in entities]
        score = one.get("score")
        confidence = float(score) if isinstance(score, int | float) else 0.0
        session.merge(
            Prediction(
                document_id=document.id,
                version_id=version_id,
                entities=after,
                confidence=min(1.0, max(0.0, confidence)),
            )
        )
        add_counts(session, project_id, Counted.PREDICTION, version_id, before, [after])
        kept += 1
    return kept
