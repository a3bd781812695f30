"""Questions about projects' versions and publications."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables import (
    Project,
    Publication,
    PublicationState,
    Run,
    RunState,
    Version,
    VersionState,
)
from backend.errors import NotFoundError

ENDED = (PublicationState.DONE, PublicationState.FAILED)


def locked_project(session: Session, project_id: int) -> Project:
    """The project, its row held to the end of the transaction, as every change of gold holds it.

    FOR NO KEY UPDATE on PostgreSQL: deliveries that only refer to the project are not held up.
    Raises NotFoundError.
    """
    project = session.get(
        Project, project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if project is None:
        raise NotFoundError("project", project_id)
    return project


def champion(session: Session, project: Project) -> Version | None:
    """The version that is served, None before the first publication."""
    return session.get(Version, project.champion_id) if project.champion_id else None


def version_by_name(session: Session, project_id: int, name: str) -> Version:
    """A version of a project; raises NotFoundError."""
    version = find_version(session, project_id, name)
    if version is None:
        raise NotFoundError("version", name)
    return version


def find_version(session: Session, project_id: int, name: str) -> Version | None:
    """A version of a project, if there is one of that name."""
    statement = select(Version).where(Version.project_id == project_id, Version.name == name)
    return session.scalars(statement).one_or_none()


def run_of_version(session: Session, version_id: int) -> Run | None:
    """The run that made a version."""
    statement = select(Run).where(Run.version_id == version_id).order_by(Run.id.desc()).limit(1)
    return session.scalars(statement).one_or_none()


def active_publication(session: Session, project_id: int) -> Publication | None:
    """The publication under way, if any."""
    statement = select(Publication).where(
        Publication.project_id == project_id, Publication.state.not_in(ENDED)
    )
    return session.scalars(statement).one_or_none()


def publishing(session: Session, project_id: int) -> bool:
    """Whether a publication is under way, or a promotion waits for its own."""
    if active_publication(session, project_id) is not None:
        return True
    return unpublished_promotion(session, project_id) is not None


def active_publications(session: Session) -> list[Publication]:
    """Every publication that is under way."""
    statement = select(Publication).where(Publication.state.not_in(ENDED))
    return list(session.scalars(statement.order_by(Publication.id)))


def publication_of(session: Session, version_id: int | None) -> Publication | None:
    """The newest publication of a version."""
    statement = select(Publication).where(Publication.version_id == version_id)
    return session.scalars(statement.order_by(Publication.id.desc()).limit(1)).one_or_none()


def unpublished_promotion(session: Session, project_id: int) -> Run | None:
    """The newest run's promotion if no publication was ever begun for it."""
    run = session.scalars(
        select(Run)
        .where(Run.project_id == project_id, Run.state == RunState.PROMOTED)
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()
    if run is None or run.version_id is None:
        return None
    begun = select(Publication.id).where(Publication.version_id == run.version_id).limit(1)
    return run if session.scalars(begun).one_or_none() is None else None


def no_longer_selected(session: Session, project_id: int) -> list[Version]:
    """Retired versions whose predictions may still be in Label Studio."""
    statement = select(Version).where(
        Version.project_id == project_id,
        Version.state != VersionState.CHAMPION,
        Version.deselected_at.is_not(None),
        Version.removed_at.is_(None),
    )
    return list(session.scalars(statement.order_by(Version.id)))


def all_versions(session: Session, project_id: int) -> list[Version]:
    """Every version of a project, the oldest first."""
    statement = select(Version).where(Version.project_id == project_id).order_by(Version.id)
    return list(session.scalars(statement))


def newest_versions(
    session: Session, project_id: int, *, before: int = 0, limit: int
) -> list[Version]:
    """Versions of a project, the newest first, older than the one of id `before` where given."""
    statement = select(Version).where(Version.project_id == project_id)
    if before:
        statement = statement.where(Version.id < before)
    return list(session.scalars(statement.order_by(Version.id.desc()).limit(limit)))


def version_names(session: Session, project_id: int, limit: int) -> Sequence[str]:
    """The names of a project's newest versions, the newest first."""
    statement = select(Version.name).where(Version.project_id == project_id)
    return session.scalars(statement.order_by(Version.id.desc()).limit(limit)).all()


def runs_of_versions(session: Session, version_ids: Collection[int]) -> dict[int, Run]:
    """The newest run that made each of these versions."""
    statement = select(Run).where(Run.version_id.in_(version_ids)).order_by(Run.id)
    return {run.version_id: run for run in session.scalars(statement) if run.version_id is not None}
