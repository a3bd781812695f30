"""Predictions of retired versions: removed from Label Studio once no annotator refers to them."""

import logging
from collections.abc import Mapping
from datetime import datetime

from backend.context import Context
from backend.db import pool, versions
from backend.db.leases import Held, lease
from backend.db.scores import drop_scores
from backend.db.tables import Project, Version, now
from backend.loop.tasks import tasks_lease
from backend.workflow import publish
from backend.workflow.selection.vectors import drop_vectors

DELETED_AT_ONCE = 100  # predictions, one by one; between two renewals of the lease

log = logging.getLogger(__name__)


def remove(context: Context, project_id: int) -> int:
    """Delete what no annotator can refer to any more in Label Studio; how many predictions."""
    with lease(context.database, tasks_lease(project_id)) as held:
        return _remove(context, held, project_id) if held is not None else 0


def _remove(context: Context, held: Held, project_id: int) -> int:
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        champion = versions.champion(session, project)
        retired = versions.no_longer_selected(session, project_id)
        busy = versions.active_publication(session, project_id) is not None
    number, ttl = project.writable_id, context.settings.task_lock_ttl
    if number is None or busy:
        return 0
    time, removed = now(), 0
    over = [version for version in retired if publish.removable(version, time, ttl)]
    held_there = context.label_studio.model_versions(number) if over or champion else {}
    selected = context.label_studio.project(number).get("model_version") if over else None
    stale = [version for version in over if version.name != selected]
    held_any = any(held_there.get(version.name) for version in stale)
    drafts = context.label_studio.drafts(number) if held_any else {}
    for version in stale:
        held.renew()
        if held_there.get(version.name):
            removed += _remove_of_version(context, held, number, version, drafts)
        with context.database.write() as session:
            session.get_one(Version, version.id).removed_at = time
            drop_scores(session, version.id)
        drop_vectors(context.models.vectors_folder(project.key, version.name))
    if champion is not None and _may_have_doubles(held_there, champion, context, project):
        found = publish.stored(context.label_studio, number, champion.name)
        for prediction_id in publish.old_doubles(found, time, ttl):
            context.label_studio.delete_prediction(prediction_id)
            removed += 1
    if removed:
        log.info("event=cleaned_up project=%s predictions=%d", project.key, removed)
    return removed


def _remove_of_version(
    context: Context,
    held: Held,
    number: int,
    version: Version,
    drafts: Mapping[int, datetime],
) -> int:
    """Delete a retired version's predictions; those that a draft may refer to stay for good."""
    studio = context.label_studio
    if not drafts:
        return studio.delete_model_version(number, version.name)
    there = publish.stored(studio, number, version.name)
    unneeded = publish.unneeded(there, version, drafts, context.settings.task_lock_ttl)
    for chunk in pool.chunks(unneeded, DELETED_AT_ONCE):
        held.renew()
        for prediction_id in chunk:
            studio.delete_prediction(prediction_id)
    return len(unneeded)


def _may_have_doubles(
    held_there: dict[str, int], champion: Version, context: Context, project: Project
) -> bool:
    """Whether Label Studio holds more of the champion's predictions than we have made for it."""
    with context.database.read() as session:
        known = pool.with_task_and_prediction(session, project.id, champion.id)
    return held_there.get(champion.name, 0) > known
