"""The page of selection: by which strategies people get their documents, and what they got."""

import logging
import math
from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import asked_after, page_of
from backend.admin.frame.undo import flash_settings
from backend.admin.words.strategy_words import FAMILIES, RECOMMENDED, WORDS, cost_in_words, in_words
from backend.db.batches import newest_batches
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.opened import opened
from backend.workflow.projects.settings import change_settings
from backend.workflow.selection.project_cost import project_cost
from backend.workflow.selection.queue_preview import Queued, Reason, next_in_queue
from backend.workflow.strategies.registry import STRATEGIES

PREVIEWED = 20
BATCHES_A_PAGE = 10

log = logging.getLogger(__name__)
selection_page = Blueprint("selection", __name__, url_prefix="/projects/<key>/selection")


@selection_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The mixture, the next documents of the queue, and the batches so far."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    weights = {name: f"{weight:g}" for name, weight in settings_of(project).selection.items()}
    return _page(project, weights)


@selection_page.post("")
def change(key: str) -> ResponseReturnValue:
    """Set the weights; an empty field or 0 leaves a strategy out."""
    typed = {name: request.form.get(name, "").strip() for name in STRATEGIES}
    weights = {name: _weight(value) for name, value in typed.items()}
    errors = {name: _("Give a number of 0 or more.") for name in typed if weights[name] is None}
    mixture = {name: weight for name, weight in weights.items() if weight}
    if not mixture and not errors:
        errors[next(iter(typed))] = _("Give one strategy at least a weight.")
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        if not errors:
            saved = change_settings(session, project, {"selection": mixture}, by=asked_by())
    if errors:
        return _page(project, typed, errors), 422
    log.info("event=selection_changed project=%s by=%s", key, asked_by())
    flash_settings(_("The strategies are saved. They choose from the next batch on."), key, saved)
    return redirect(url_for("selection.show", key=key), code=303)


def _page(
    project: Project, weights: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    with opened().database.read() as session:
        queue = next_in_queue(session, project, PREVIEWED)
        found = newest_batches(
            session, project.id, BATCHES_A_PAGE + 1, before=asked_after() or None
        )
        cost = project_cost(session, project.id)
    settings = opened().settings
    address = settings.label_studio_public_url or settings.label_studio_url
    number = project.label_studio_id
    opened_first = {RECOMMENDED, *(errors or {}), *(name for name in weights if weights[name])}
    return render_template(
        "selection.html",
        project=project,
        settings=settings_of(project),
        words=WORDS,
        open_ones=[name for name in WORDS if name in opened_first],
        families=[
            (title, [name for name in names if name not in opened_first])
            for title, names in FAMILIES
        ],
        recommended=RECOMMENDED,
        readings=cost_in_words,
        weights=weights,
        errors=errors or {},
        queue=queue,
        why=_why,
        page=page_of(found, key=lambda one: one.batch.id, size=BATCHES_A_PAGE),
        mixture_in_words=in_words,
        cost=cost,
        label_studio=f"{address}/projects/{number}/data" if address and number else None,
    )


def _weight(typed: str) -> float | None:
    """What was typed as a weight: 0 for nothing, None for what cannot be one."""
    try:
        weight = float(typed.replace(",", ".") or 0)
    except ValueError:
        return None
    return weight if 0 <= weight < math.inf else None


def _why(one: Queued) -> list[str]:
    """What put a document where it is, with what the strategies see in it."""
    reasons = {
        Reason.AT_RANDOM: _("at random"),
        Reason.UNSCORED: _("not scored yet"),
        Reason.BY_CHANCE: _("by chance"),
    }
    if one.reason in reasons:
        return [reasons[one.reason]]
    return [
        str(WORDS[key][0]) if score is None else f"{WORDS[key][0]} {score:.3g}"
        for key, score in one.scores.items()
    ]
