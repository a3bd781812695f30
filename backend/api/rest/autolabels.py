"""Autolabels: runs of the champion over what nobody has labelled, its promise, and the queue."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from backend.api.rest.asking import asked_by, caller
from backend.api.rest.fields import Id, Json, Key, Page, Paged, Sentence, Share, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.db import autolabel_queue, autolabels
from backend.db.autolabel_queue import Place, Reason, Wanted
from backend.db.projects import project_by_key, settings_of
from backend.db.tables_of_autolabel import AutolabelRun, AutolabelState, PromiseState
from backend.loop import autolabel
from backend.loop.autolabel_chunks import ADVANCE
from backend.loop.autolabel_decisions import AT_ONCE, Decided, decide, take_back
from backend.loop.autolabel_decisions import Decision as Verdict
from backend.opened import opened
from backend.workflow.autolabels.undo import Undone
from backend.workflow.select import random_border
from ml_backend.contract.messages import DEFAULT_QUEUE

autolabelling = Operations("Autolabels")


class AutolabelRunTold(Told):
    """A version's pass over the pool; copies follow their originals."""

    id: int
    state: str
    done: int
    total: int
    asked_by: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


class PromiseTold(Told):
    """What is promised of a version: documents of this confidence are exactly right."""

    id: int
    state: str
    p: float
    delta: float
    threshold: float | None
    reason: str
    figures: Json
    signed_by: str
    created_at: datetime


class AutolabelStatus(Told):
    """Where run, promise and items stand."""

    run: AutolabelRunTold | None
    promise: PromiseTold | None
    items: dict[str, int]


class WantedItems(Strict):
    """Which items; `audit` cannot be asked for here."""

    state: AutolabelState = AutolabelState.PENDING
    label: Annotated[Sentence, Field(max_length=200)] = ""
    least: Share = 0.0
    most: Share = 1.0
    reason: Reason | None = None
    surest_first: bool = True
    after: Annotated[
        str | None,
        StringConstraints(pattern=r"^[0-9.e-]{1,30}_[0-9]{1,18}$"),
        Field(description="`next` of the page before"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class ItemTold(Told):
    """What the champion says of a document, and where that stands."""

    document_id: int
    external_id: str
    text: str
    state: str
    confidence: float
    entities: list[Json]
    promise_id: int | None
    changed_by: str
    changed_at: datetime


class Items(Told):
    """Some items of the queue."""

    items: list[ItemTold]
    next: str | None


class SeenItem(Strict):
    """An item to decide about."""

    document_id: Id
    changed_at: Annotated[
        AwareDatetime | None, Field(description="as it was listed; it must be so still")
    ] = None


class Deciding(Strict):
    """What to do with which items, all of them or none."""

    decision: Verdict
    items: Annotated[list[SeenItem], Field(min_length=1, max_length=AT_ONCE)]
    pass_over: Annotated[bool, Field(description="leave those that cannot be decided now")] = False


class Action(Strict):
    """An action by the changes it made: `first` and `last` of its answer."""

    first: Id
    last: Id


@autolabelling.get("/projects/{key}/autolabels/status")
def autolabel_status(key: Key) -> AutolabelStatus:
    """Where the run, the promise and the items stand."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        run = autolabels.last_run(session, project.id)
        promise = autolabels.last_promise(session, project.id)
        return AutolabelStatus(
            run=AutolabelRunTold.model_validate(run) if run else None,
            promise=PromiseTold.model_validate(promise) if promise else None,
            items=autolabels.state_counts(session, project.id),
        )


@autolabelling.post("/projects/{key}/autolabels/start", status=202)
def start_autolabels(key: Key) -> AutolabelRunTold:
    """Let the champion label what nobody has, or go on with the run that is there."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    run = autolabel.open_run(opened(), project_id, asked_by())
    opened().queue.ring(DEFAULT_QUEUE, ADVANCE, run.id, job_id=f"autolabel-{run.id}")
    return _run(run)


@autolabelling.post("/projects/{key}/autolabels/pause")
def pause_autolabels(key: Key) -> AutolabelRunTold:
    """Stop the run for a while; what is done stays done."""
    return _run(autolabel.pause(opened(), key, asked_by()))


@autolabelling.post("/projects/{key}/autolabels/resume", status=202)
def resume_autolabels(key: Key) -> AutolabelRunTold:
    """Go on with the paused run."""
    return _run(autolabel.resume(opened(), key, asked_by()))


@autolabelling.post("/projects/{key}/autolabels/cancel")
def cancel_autolabels(key: Key) -> AutolabelRunTold:
    """End the run; what is done stays done."""
    return _run(autolabel.cancel(opened(), key, asked_by()))


@autolabelling.get("/projects/{key}/autolabels")
def list_autolabels(key: Key, query: WantedItems) -> Items:
    """Items of the queue by confidence, with their texts and entities.

    A page may hold fewer items than asked for, and yet have a next one.
    """
    with opened().database.read() as session:
        project = project_by_key(session, key)
        promise = autolabels.last_promise(session, project.id)
        kept = promise is not None and promise.state == PromiseState.IN_FORCE
        wanted = Wanted(
            state=query.state,
            label=query.label,
            least=query.least,
            most=query.most,
            reason=query.reason,
            surest_first=query.surest_first,
            threshold=promise.threshold if promise is not None and kept else None,
            border=random_border(settings_of(project).random_share),
        )
        after = Place.read(query.after) if query.after else None
        found = autolabel_queue.find(session, project.id, wanted, after=after, limit=query.limit)
    return Items(
        items=[ItemTold.model_validate(one) for one in found.rows],
        next=str(found.next) if found.next else None,
    )


@autolabelling.post("/projects/{key}/autolabels/decide")
def decide_autolabels(key: Key, body: Deciding) -> Decided:
    """Accept, reject or send items to people; the answer names the action for `undo`.

    When one of them has changed since the `changed_at` that is given, nothing is done: 409.
    """
    by = caller().email  # whose gold it becomes
    ids = [one.document_id for one in body.items]
    seen = {one.document_id: one.changed_at for one in body.items if one.changed_at is not None}
    context, decision = opened(), body.decision
    return decide(context, key, decision, ids, by, seen=seen, pass_over=body.pass_over)


@autolabelling.post("/projects/{key}/autolabels/undo")
def undo_autolabels(key: Key, body: Action) -> Undone:
    """Take an action back: each item goes to where it was, unless it has changed since."""
    return take_back(opened(), key, body.first, body.last, caller().email)


@autolabelling.get("/projects/{key}/promises")
def list_promises(key: Key, query: Paged) -> Page[PromiseTold]:
    """The promises, the newest first, each with what it rests on."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = autolabel_queue.newest_promises(
            session, number, query.limit + 1, before=query.start
        )
        return page(found, query.limit, key=lambda one: one.id, told=PromiseTold.model_validate)


def _run(run: AutolabelRun) -> AutolabelRunTold:
    return AutolabelRunTold.model_validate(run)
