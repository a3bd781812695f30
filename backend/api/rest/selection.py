"""Selection: the strategies of a project, what people see next, and the batches so far."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Key, Page, Paged, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.db.batches import ListedBatch, newest_batches
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.opened import opened
from backend.workflow.projects.settings import change_settings
from backend.workflow.selection.queue_preview import Queued, Reason, next_in_queue
from backend.workflow.strategies.registry import STRATEGIES

selection = Operations("Selection")

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class StrategyTold(Told):
    """A strategy and its weight in the project, 0 where it is not used."""

    key: str
    title: str
    when: str
    needs: list[str] = Field(description="scores, vectors, gradients, dropout")
    weight: float


class SelectionTold(Told):
    """How a project's documents are chosen."""

    random_share: float = Field(description="of what people see, drawn at random whatever else")
    strategies: list[StrategyTold]


class Mixture(Strict):
    """The strategies to use and their weights; those that are not named are not used."""

    weights: Annotated[dict[str, Weight], Field(min_length=1)]


class QueuedTold(Told):
    """A document that waits for people."""

    document: str
    text: str
    queue_number: int | None
    reason: Reason = Field(
        description="at_random: drawn to judge by; ranked: by the strategies; unscored: the "
        "champion has not scored it yet; by_chance: there was nothing to rank by"
    )
    scores: dict[str, float | None] = Field(
        description="by strategy, of a ranked one; null of those that compare documents with others"
    )
    batch: int | None


class BatchTold(Told):
    """Documents that were chosen at one time."""

    id: int
    weights: dict[str, float] = Field(description="empty before a first version: by chance")
    version: str | None
    documents: int
    at_random: int
    open: int
    candidates: int
    tab: int | None = Field(description="of Label Studio's Data Manager")
    created_at: datetime


@selection.get("/projects/{key}/selection")
def show_selection(key: Key) -> SelectionTold:
    """Every strategy, when to use it, and its weight in the project."""
    with opened().database.read() as session:
        return _told(project_by_key(session, key))


@selection.put("/projects/{key}/selection")
def set_selection(key: Key, body: Mixture) -> SelectionTold:
    """Choose by other strategies from the next batch on."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        change_settings(session, project, {"selection": body.weights}, by=asked_by())
        return _told(project)


@selection.get("/projects/{key}/queue")
def list_queue(key: Key, query: Paged) -> Page[QueuedTold]:
    """The next documents that people will see, in order, and why they stand there."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = next_in_queue(session, project, query.limit + 1, after=query.start)
    return page(found, query.limit, key=lambda one: one.document.id, told=_queued)


@selection.get("/projects/{key}/batches")
def list_batches(key: Key, query: Paged) -> Page[BatchTold]:
    """The batches that were chosen, the newest first."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        before = query.start or None
        found = newest_batches(session, project.id, query.limit + 1, before=before)
    return page(found, query.limit, key=lambda one: one.batch.id, told=_batch)


def _told(project: Project) -> SelectionTold:
    settings = settings_of(project)
    return SelectionTold(
        random_share=settings.random_share,
        strategies=[
            StrategyTold(
                key=one.key,
                title=one.title,
                when=one.when,
                needs=sorted(one.needs),
                weight=settings.selection.get(one.key, 0.0),
            )
            for one in STRATEGIES.values()
        ],
    )


def _queued(one: Queued) -> QueuedTold:
    return QueuedTold(
        document=one.document.external_id,
        text=one.document.text,
        queue_number=one.document.queue_number,
        reason=one.reason,
        scores=dict(one.scores),
        batch=one.batch,
    )


def _batch(one: ListedBatch) -> BatchTold:
    return BatchTold(
        id=one.batch.id,
        weights=one.batch.mixture,
        version=one.version,
        documents=one.batch.documents,
        at_random=one.batch.at_random,
        open=one.open,
        candidates=one.batch.candidates,
        tab=one.batch.tab_id,
        created_at=one.batch.created_at,
    )
