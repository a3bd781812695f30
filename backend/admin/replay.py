"""The pages of replays: strategies tried on a project's own gold, and what came of it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.charts.replay_charts import curves_chart
from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.frame.undo import flash_settings
from backend.admin.words.strategy_words import in_words
from backend.admin.words.told import sentence_of
from backend.db.projects import project_by_key
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.errors import ConflictError, GoldloopError, InvalidInputError, NotFoundError
from backend.loop import project_replays
from backend.opened import opened
from backend.workflow.projects.settings import change_settings
from backend.workflow.replay.config import ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.points import COSTS
from backend.workflow.replay.report import report
from backend.workflow.strategies.mixtures import read_mixture

POLL_BUSY, POLL_IDLE = 3000, 30_000  # milliseconds between two looks
OFFERED = ("mnlp", "margin", "badge", "k_means", "balance", "cost+mnlp")
CHOSEN = ("mnlp", "badge", "cost+mnlp")
SIZES = {"rounds": (1, 50), "batch": (1, 5000), "start": (20, 5000), "seeds": (1, 20)}

replay_page = Blueprint("replay", __name__, url_prefix="/projects/<key>/selection/replays")


@replay_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The replays, newest first, and what the next one would try."""
    project = _project(key)
    found = project_replays.listed(opened(), key, before=asked_after(), limit=PAGE_SIZE + 1)
    return render_template(
        "replays.html",
        project=project,
        page=page_of(found, lambda one: one.path.name),
        offered=OFFERED,
        chosen=CHOSEN,
        sizes=SIZES,
        default=ReplayConfig(),
        costs=COSTS,
        named=named,
    )


@replay_page.post("")
def begin(key: str) -> ResponseReturnValue:
    """Begin a replay on the gold as it is now."""
    form = request.form
    more = [one.strip() for one in form.get("more", "").split(",") if one.strip()]
    sizes: dict[str, Any] = {name: _size(name) for name in SIZES}
    config = ReplayConfig(
        strategies=tuple(dict.fromkeys([*form.getlist("strategies"), *more])),
        cost=form.get("cost", "documents"),  # type: ignore[arg-type]  # checked by the config
        **sizes,
    )
    begun = project_replays.ask(opened(), key, config, asked_by())
    flash(_("The replay has begun."), "done")
    return redirect(url_for("replay.one", key=key, number=begun.path.name), code=303)


@replay_page.get("/<int:number>")
def one(key: str, number: int) -> ResponseReturnValue:
    """One replay: its curves, its table, and what it recommends."""
    return render_template("replay.html", project=_project(key), **_told(key, number))


@replay_page.get("/<int:number>/live")
def live(key: str, number: int) -> ResponseReturnValue:
    """The same without the page around it, for the script that polls it."""
    return render_template("_replay_live.html", project=_project(key), **_told(key, number))


@replay_page.get("/<int:number>/curves.png")
def curves(key: str, number: int) -> Response:
    """Its curves as a picture, once it has ended."""
    path = project_replays.find(opened(), key, number).path / "curves.png"
    if not path.exists():
        raise NotFoundError("picture of replay", number)
    return send_file(path, as_attachment=True, download_name=f"{key}-replay-{number}.png")


@replay_page.post("/<int:number>/cancel")
def cancel(key: str, number: int) -> ResponseReturnValue:
    """Stop a replay; what was measured is kept."""
    project_replays.cancel(opened(), key, number, asked_by())
    return redirect(url_for("replay.one", key=key, number=number), code=303)


@replay_page.post("/<int:number>/go-on")
def go_on(key: str, number: int) -> ResponseReturnValue:
    """Let one that was stopped, or failed, go on."""
    project_replays.go_on(opened(), key, number, asked_by())
    return redirect(url_for("replay.one", key=key, number=number), code=303)


@replay_page.post("/<int:number>/use")
def use(key: str, number: int) -> ResponseReturnValue:
    """Let the project choose documents as one of the strategies tried does."""
    config = project_replays.find(opened(), key, number).config
    strategy = request.form.get("strategy", "")
    if strategy not in config.mixtures:
        raise NotFoundError("strategy in this replay", strategy)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        mixture = {"selection": config.mixtures[strategy]}
        saved = change_settings(session, project, mixture, by=asked_by())
    flash_settings(_("The strategies are saved. They choose from the next batch on."), key, saved)
    return redirect(url_for("selection.show", key=key), code=303)


@replay_page.errorhandler(InvalidInputError)
@replay_page.errorhandler(ConflictError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    flash(sentence_of(error), "error")
    return redirect(url_for("replay.show", key=request.view_args["key"]), code=303)


def named(strategy: str) -> str:
    """A strategy in the reader's language."""
    return in_words(read_mixture(strategy))


def _size(name: str) -> int:
    low, high = SIZES[name]
    value = request.form.get(name, type=int)
    if value is None or not low <= value <= high:
        raise InvalidInputError(f"{name} must be a whole number from {low} to {high}")
    return value


def _told(key: str, number: int) -> dict[str, Any]:
    its = project_replays.find(opened(), key, number)
    cost = request.args.get("cost", its.config.cost)
    if cost not in COSTS:
        raise NotFoundError("cost", cost)
    result = its.job.result()
    curves = its.curves()
    done, total = its.far()
    found = report(curves, its.config.cost)
    return {
        "replay": its,
        "number": number,
        "result": result,
        "busy": result is None,
        "cancelling": result is None and its.job.cancel_asked(),
        "poll": POLL_BUSY if result is None else POLL_IDLE,
        "done": done,
        "total": total,
        "cost": cost,
        "costs": COSTS,
        "found": found,
        "config": curves_chart(_drawn(its, curves), cost, named) if found else None,
        "picture": (its.path / "curves.png").exists(),
        "named": named,
    }


def _drawn(its: Replay, curves: Mapping[str, Any]) -> dict[str, Any]:
    return {name: curves[name] for name in its.config.mixtures if name in curves}


def _project(key: str) -> Project:
    with opened().database.read() as session:
        return project_by_key(session, key)
