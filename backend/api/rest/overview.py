"""Where a project stands: what its page draws as the data path, and what needs attention there."""

from datetime import datetime
from typing import TypeVar

from pydantic import Field

from backend.api.rest.autolabels import PromiseTold
from backend.api.rest.fields import Key, Told
from backend.api.rest.models import RunTold
from backend.api.rest.operation import Operations
from backend.api.rest.versions import PublicationTold
from backend.db.document_counts import DocumentCounts
from backend.db.overview import ProjectOverview, project_overview
from backend.db.projects import CorrectionCounts, InboxCounts, project_by_key
from backend.db.tables import now
from backend.db.tables_of_autolabel import PromiseState
from backend.opened import opened, service_states
from backend.workflow.label_studio.connection_check import silence
from backend.workflow.projects.path_figures import PathFigures, path_figures

overview = Operations("Projects")

Kind = TypeVar("Kind", bound=Told)


class ServicesTold(Told):
    """What answered when it was last asked, some seconds ago."""

    redis: bool
    idle_queues: list[str] = Field(description="queues with no worker alive")
    waiting: dict[str, int] = Field(description="jobs that wait, by queue")
    ml_backend_error: str | None = Field(description="why it did not answer; null where it did")
    loaded: str | None = Field(description="the version that the ML backend serves")
    load_error: str | None = Field(description="why it could not load the champion")
    label_studio: bool | None = Field(description="whether it answers; null: none is configured")
    label_studio_silent: float | None = Field(
        description="seconds since it last delivered anything, where tasks are open and it is long"
    )


class OverviewTold(Told):
    """A project's counts, stage by stage; null where there is no such thing."""

    documents: DocumentCounts
    path: PathFigures
    corrections: CorrectionCounts = Field(description="in the newest annotations")
    changed: int = Field(description="documents whose gold people changed since the last run")
    deliveries: InboxCounts = Field(description="from Label Studio: waiting, and not usable")
    last_event_at: datetime | None = Field(description="Label Studio's last word")
    active_run: RunTold | None
    waiting_run: RunTold | None = Field(description="its challenger waits for a decision")
    ended_badly: RunTold | None = Field(description="the newest run, where it did not succeed")
    publication: PublicationTold | None = Field(description="the newest")
    stopped_promises: list[PromiseTold] = Field(
        description="of those told of: what they had accepted is recalled"
    )
    services: ServicesTold


@overview.get("/projects/{key}/overview")
def show_overview(key: Key) -> OverviewTold:
    """Where each stage stands, and what the page of the project calls attention to."""
    with opened().database.read() as session:
        found = project_overview(session, project_by_key(session, key))
        return OverviewTold(
            documents=found.documents,
            path=path_figures(session, found.project),
            corrections=found.corrections,
            changed=found.changed,
            deliveries=found.inbox,
            last_event_at=found.project.last_event_at,
            active_run=_told(RunTold, found.active_run),
            waiting_run=_told(RunTold, found.waiting_run),
            ended_badly=_told(RunTold, found.ended_badly),
            publication=_told(PublicationTold, found.publication),
            stopped_promises=[
                PromiseTold.model_validate(one)
                for one in found.promises
                if one.state == PromiseState.STOPPED
            ],
            services=_services(found),
        )


def _services(found: ProjectOverview) -> ServicesTold:
    states, key = service_states(), found.project.key
    silent = silence(found.project, found.documents.open, now())
    return ServicesTold(
        redis=states.redis,
        idle_queues=states.idle_queues,
        waiting=states.waiting,
        ml_backend_error=states.tagger_error or None,
        loaded=states.loaded(key),
        load_error=states.load_error(key),
        label_studio=states.label_studio,
        label_studio_silent=silent.total_seconds() if silent else None,
    )


def _told(kind: type[Kind], row: object) -> Kind | None:
    return kind.model_validate(row) if row is not None else None
