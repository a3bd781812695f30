"""Replays: strategies tried on a project's own gold, by a simulated annotator."""

from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Json, Key, Page, Paged, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db.projects import project_by_key
from backend.loop import project_replays
from backend.opened import opened
from backend.workflow.replay.config import DEFAULT_STRATEGIES, ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.points import Cost
from backend.workflow.replay.report import report

replays = Operations("Replays")

Number = Annotated[int, Field(ge=1, le=10**9)]
Size = Annotated[int, Field(ge=1, le=5000)]


class NewReplay(Strict):
    """What to try; `random` always is."""

    strategies: Annotated[
        list[Word], Field(max_length=20, description="names, and mixtures as in mnlp:2+cost")
    ] = list(DEFAULT_STRATEGIES)  # noqa: RUF012 - pydantic copies it
    rounds: Annotated[int, Field(ge=1, le=50)] = 8
    batch: Annotated[Size, Field(description="documents a round")] = 100
    start: Annotated[int, Field(ge=20, le=5000, description="documents to begin with")] = 100
    seeds: Annotated[int, Field(ge=1, le=20)] = 3
    cost: Annotated[Cost, Field(description="what strategies are compared by")] = "documents"


class ReplayTold(Told):
    """A replay: under way while `state` is null."""

    number: int
    strategies: list[str]
    rounds: int
    batch: int
    start: int
    seeds: int
    cost: str
    asked_by: str
    state: str | None
    reason: str
    done: int = Field(description="rounds that are measured, over all runs")
    total: int


class MeasuredReplay(ReplayTold):
    """What a replay has measured so far."""

    report: Json | None = Field(description="table and recommendation; null before there are any")
    curves: Json = Field(description="strategy, seed, and a point a round")


@replays.get("/projects/{key}/replays")
def list_replays(key: Key, query: Paged) -> Page[ReplayTold]:
    """Every replay, newest first."""
    _known(key)
    found = project_replays.listed(opened(), key, before=query.start, limit=query.limit + 1)
    return page(
        found,
        query.limit,
        key=lambda one: one.path.name,
        told=lambda one: ReplayTold(**told_of(one)),
    )


@replays.post("/projects/{key}/replays", status=202)
def begin_replay(key: Key, body: NewReplay) -> ReplayTold:
    """Let workers try strategies on the gold as it is now; one replay at a time."""
    given = body.model_dump()
    config = ReplayConfig(**{**given, "strategies": tuple(given["strategies"])})
    return ReplayTold(**told_of(project_replays.ask(opened(), key, config, asked_by())))


@replays.get("/projects/{key}/replays/{number}")
def show_replay(key: Key, number: Number) -> MeasuredReplay:
    """One replay, with its curves and what it recommends."""
    _known(key)
    its = project_replays.find(opened(), key, number)
    curves = its.curves()
    found = report(curves, its.config.cost)
    points = {
        name: {str(seed): [point.to_dict() for point in run] for seed, run in runs.items()}
        for name, runs in curves.items()
    }
    return MeasuredReplay(
        **told_of(its), report=found.to_dict() if found is not None else None, curves=points
    )


@replays.post("/projects/{key}/replays/{number}/cancel")
def cancel_replay(key: Key, number: Number) -> ReplayTold:
    """Stop a replay; what was measured is kept."""
    _known(key)
    project_replays.cancel(opened(), key, number, asked_by())
    return ReplayTold(**told_of(project_replays.find(opened(), key, number)))


@replays.post("/projects/{key}/replays/{number}/go-on")
def continue_replay(key: Key, number: Number) -> ReplayTold:
    """Let one that was stopped, or failed, go on where it ended."""
    _known(key)
    project_replays.go_on(opened(), key, number, asked_by())
    return ReplayTold(**told_of(project_replays.find(opened(), key, number)))


def _known(key: str) -> None:
    with opened().database.read() as session:
        project_by_key(session, key)


def told_of(its: Replay) -> Json:
    """A replay as JSON, here and at the command line."""
    config, result = its.config, its.job.result()
    done, total = its.far()
    return {
        "number": int(its.path.name),
        "strategies": list(config.mixtures),
        **{name: getattr(config, name) for name in ("rounds", "batch", "start", "seeds", "cost")},
        "asked_by": config.asked_by,
        "state": result.state if result else None,
        "reason": result.reason if result else "",
        "done": done,
        "total": total,
    }
