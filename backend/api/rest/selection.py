"""Selection: the strategies of a project, what people see next, and the batches so far."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import asked_by, opened
from backend.api.rest.fields import Key, Page, Paged, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.db.batches import ListedBatch, batches_of, newest_batches
from backend.db.pool import next_open
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.workflow.project_settings import change_settings
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
    at_random: bool
    batch: int | None


class QueueWanted(Strict):
    """How much of the queue."""

    limit: Annotated[int, Field(ge=1, le=500)] = 20


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
def list_queue(key: Key, query: QueueWanted) -> list[QueuedTold]:
    """The next documents that people will see, in order."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        documents = next_open(session, project.id, query.limit)
        came_with = batches_of(session, [document.id for document in documents])
    return [
        QueuedTold(
            document=one.external_id,
            text=one.text,
            queue_number=one.queue_number,
            at_random=one.arm == "random",
            batch=came_with.get(one.id),
        )
        for one in documents
    ]


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
