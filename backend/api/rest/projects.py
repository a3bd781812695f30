"""Projects: listed, made, connected with Label Studio, set."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, create_model

from backend.api.rest.asking import asked_by, caller
from backend.api.rest.fields import Id, Json, Key, Page, Paged, Sentence, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db.document_counts import DocumentCounts, count_documents
from backend.db.members import visible_projects
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project, Version
from backend.db.versions import locked_project
from backend.loop.adopt import adopt
from backend.loop.connect import connect_project, sync_project
from backend.opened import opened
from backend.settings import ProjectSettings
from backend.workflow.label_studio.connect import Connected
from backend.workflow.projects.create import create_project
from backend.workflow.projects.settings import change_settings
from backend.workflow.projects.settings import undo_settings as take_back

projects = Operations("Projects")


class ProjectTold(Told):
    """A project and how far it has come."""

    key: str
    name: str
    labels: list[str]
    champion: str | None
    documents: DocumentCounts
    label_studio_project: int | None
    connected: bool = Field(description="whether we may write to that project")
    last_event_at: datetime | None
    last_sync_at: datetime | None


class NewProject(Strict):
    """A project to make."""

    key: Key
    name: Word
    label_config: Annotated[
        Sentence, Field(max_length=200_000, description="a Label Studio configuration")
    ]


class Adoption(Strict):
    """A Label Studio project to take over."""

    label_studio_project: Id


class ChangeToUndo(Strict):
    """A change of settings, by its number in the audit log."""

    change: Id


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_SETTINGS: dict[str, Any] = {  # the settings' own fields, none of them asked for
    name: (
        Annotated[(field.annotation, *field.metadata, Field(description=field.description))],
        Field(None, json_schema_extra=_without_default),
    )
    for name, field in ProjectSettings.model_fields.items()
}
SettingsChange = create_model("SettingsChange", __base__=Strict, **_SETTINGS)


@projects.get("/projects")
def list_projects(query: Paged) -> Page[ProjectTold]:
    """Projects by name; for an annotator's token those that they work in."""
    asking = caller()
    with opened().database.read() as session:
        found = visible_projects(
            session, asking.role, asking.account_id, after=query.start, limit=query.limit + 1
        )
        counts = count_documents(session, [one.id for one in found])
        ids = [one.champion_id for one in found if one.champion_id]
        names = {one: session.get_one(Version, one).name for one in ids}
        return page(
            found,
            query.limit,
            key=lambda one: one.id,
            told=lambda one: _told(one, counts[one.id], names.get(one.champion_id or 0)),
        )


@projects.post("/projects", status=201)
def create(body: NewProject) -> ProjectTold:
    """Make a project from a labelling configuration."""
    with opened().database.write() as session:
        made = create_project(session, body.key, body.name, body.label_config, by=asked_by())
        return _told(made, DocumentCounts(), None)


@projects.get("/projects/{key}")
def show_project(key: Key) -> ProjectTold:
    """One project."""
    with opened().database.read() as session:
        found = project_by_key(session, key)
        version = session.get(Version, found.champion_id) if found.champion_id else None
        its = count_documents(session, [found.id])[found.id]
        return _told(found, its, version.name if version else None)


@projects.post("/projects/{key}/connect")
def connect(key: Key) -> Connected:
    """Make its Label Studio project where it has none; attach our ML backend and our hook.

    What is there and right is left as it is.
    """
    return connect_project(opened(), key, by=asked_by())


@projects.post("/projects/{key}/adopt", status=201)
def adopt_label_studio(key: Key, body: Adoption) -> Json:
    """Take a Label Studio project over under this key; nothing is changed there."""
    context = opened()
    number = body.label_studio_project
    adopted = adopt(
        context.database, context.label_studio, key=key, label_studio_id=number, by=asked_by()
    )
    return {**adopted.report.to_dict(), "predictions": adopted.predictions}


@projects.post("/projects/{key}/sync")
def sync(key: Key) -> Json:
    """Compare it with Label Studio, put right what either side lacks, and report it."""
    return sync_project(opened(), key).to_dict()


@projects.get("/projects/{key}/settings")
def show_settings(key: Key) -> ProjectSettings:
    """What its curator set, with the defaults of what nobody set."""
    with opened().database.read() as session:
        return settings_of(project_by_key(session, key))


@projects.patch("/projects/{key}/settings")
def set_settings(key: Key, body: SettingsChange) -> ProjectSettings:
    """Change the settings that are named, all of them or none.

    `training` is given whole: its options replace those of before.
    """
    wanted: dict[str, Any] = body.model_dump(exclude_unset=True)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        change_settings(session, project, wanted, by=asked_by())
        return settings_of(project)


@projects.post("/projects/{key}/settings/undo")
def undo_settings(key: Key, body: ChangeToUndo) -> ProjectSettings:
    """Take a change of settings back; 409 when what it changed has been changed since."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        take_back(session, project, body.change, by=asked_by())
        return settings_of(project)


def _told(project: Project, counts: DocumentCounts, champion: str | None) -> ProjectTold:
    return ProjectTold(
        key=project.key,
        name=project.name,
        labels=list(project.labels),
        champion=champion,
        documents=DocumentCounts(**asdict(counts)),
        label_studio_project=project.label_studio_id,
        connected=project.connected_at is not None,
        last_event_at=project.last_event_at,
        last_sync_at=project.last_sync_at,
    )
