"""The jobs, by dotted name: thin, from plain values, safe to run twice.

Settings, database and clients are opened once a process, by the first job.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import select

from backend.context import Context, open_context
from backend.db import autolabels, doubts, runs, versions
from backend.db.annotations import waiting_events
from backend.db.api_tokens import drop_old_keys
from backend.db.tables import Project, now
from backend.errors import LabelStudioDownError
from backend.loop import (
    audits,
    autolabel,
    copies,
    inbox,
    mentions,
    near,
    old_predictions,
    predictions,
    project_replays,
    publication,
    release_jobs,
    review,
    sharing,
    training,
    working_set,
)
from backend.loop import compare_gold as comparison
from backend.loop import doubts as doubting
from backend.loop import survey as surveys
from backend.loop import sync as syncing
from backend.settings import load_settings
from ml_backend.contract.messages import DEFAULT_QUEUE

KEYS_KEPT = timedelta(days=1)  # idempotency keys

log = logging.getLogger(__name__)


@cache
def context() -> Context:
    """What the jobs of this process work with."""
    return open_context(load_settings())


def drain_inbox() -> None:
    """Turn the waiting webhook deliveries into gold, and do what the changed gold calls for."""
    report = inbox.drain(context().database, context().label_studio)
    for project_id in report.changed_projects:
        _guarded(audits.watch, project_id)
        _guarded(training.request_if_due, project_id)
        _ring("top_up", project_id)
        _ring("label_copies", project_id)
    for project_id in report.new_task_projects:
        _ring("preannotate", project_id)


def request_training(project_key: str, asked_by: str) -> None:
    """Begin a training run, or remember the wish."""
    training.request(context(), project_key, asked_by)


def advance_run(run_id: int) -> None:
    """Take a training run as far as it can go."""
    training.advance(context(), run_id)


def advance_publication(publication_id: int) -> None:
    """Take a publication as far as it can go."""
    publication.advance(context(), publication_id)


def top_up(project_id: int) -> None:
    """Keep enough open tasks in Label Studio."""
    audits.give_places(context(), project_id)
    working_set.top_up(context(), project_id)


def preannotate(project_id: int) -> None:
    """Take up tasks that were made in Label Studio: look for copies, predict them."""
    _take_up(context(), project_id)


def find_near(project_id: int) -> None:
    """Compare new documents with all others, for near copies."""
    near.find_near(context().database, context().settings.jobs, project_id)


def survey(project_id: int) -> None:
    """Look at all gold and copies for what pages show of them."""
    surveys.take_survey(context().database, project_id)


def compare_gold(project_id: int) -> None:
    """Compare gold with the champion, for the page of errors."""
    comparison.advance(context(), project_id)


def find_doubts(run_id: int) -> None:
    """Lead a look through all gold for what may be wrong with it."""
    doubting.advance(context(), run_id)


def read_mentions(project_id: int) -> None:
    """Read gold for the strings that it holds, for the pages of evidence."""
    mentions.read_all(context().database, project_id)


def label_copies(project_id: int) -> None:
    """Give copies the gold of their originals."""
    copies.label_all_copies(context().database, project_id)


def autolabel_champion(project_id: int) -> None:
    """Let a version that has just been published label what nobody has."""
    autolabel.start_after_publication(context(), project_id)


def release_job(project_key: str, name: str) -> None:
    """Make, verify or compare releases, as a folder says."""
    release_jobs.run(context(), project_key, name)


def advance_replay(project_key: str, folder: str, run: str) -> None:
    """Take a run of a replay further; without its name, begin them all."""
    project_replays.advance(context(), project_key, Path(folder), run)


def start_autolabel(project_id: int, asked_by: str) -> None:
    """Let the champion label what nobody has, because somebody asked for it."""
    autolabel.start(context(), project_id, asked_by)


def advance_autolabel(run_id: int) -> None:
    """Lead an autolabel run as far as it can go."""
    autolabel.advance(context(), run_id)


def sync(project_id: int) -> None:
    """Compare a project with Label Studio and mend what differs."""
    syncing.sync(context(), project_id)
    _guarded(audits.watch, project_id)
    _guarded(training.request_if_due, project_id)
    for job in ("top_up", "preannotate"):
        _ring(job, project_id)


def clean_up(project_id: int) -> None:
    """Remove predictions that nobody can refer to any more."""
    old_predictions.remove(context(), project_id)


def sync_projects() -> None:
    """Ring `sync` for every project that has tasks."""
    for project_id in _projects():
        _ring("sync", project_id)


def clean_up_projects() -> None:
    """Ring `clean_up` for every project that has tasks; drop old deliveries and predictions."""
    inbox.drop_old(context().database)
    predictions.drop_old(context())
    with context().database.write() as session:
        drop_old_keys(session, now() - KEYS_KEPT)
    for project_id in _projects():
        _ring("clean_up", project_id)


def tick() -> None:
    """Look at everything that may have been left, and take it up: what a lost bell has cost."""
    with context().database.read() as session:
        waiting = bool(waiting_events(session, 0, 1))
        active = [run.id for run in runs.active_runs(session)]
        publishing = [one.id for one in versions.active_publications(session)]
        labelling = autolabels.running(session)
        looking = doubts.active_doubt_runs(session)
        projects = list(session.scalars(select(Project.id)))
    if waiting:
        _guarded(lambda _context, _number: drain_inbox(), 0)
    for run_id in active:
        _guarded(training.advance, run_id)
    for publication_id in publishing:
        _guarded(publication.advance, publication_id)
    for autolabel_id in labelling:
        _guarded(autolabel.advance, autolabel_id)
    for look_id in looking:
        _guarded(doubting.advance, look_id)
    _guarded(_sweep_looks, 0)
    _guarded(_reopen_left, 0)
    _guarded(_ring_releases, 0)
    _guarded(_ring_replays, 0)
    for project_id in projects:
        _guarded(_look_for_near, project_id)
        _guarded(_look_over, project_id)
        _guarded(_look_for_errors, project_id)
        _guarded(_look_for_mentions, project_id)
        _guarded(audits.watch, project_id)
        _guarded(training.begin_wanted, project_id)
        _guarded(training.request_if_due, project_id)
        _guarded(publication.begin_promoted, project_id)
    for project_id in _projects():
        _guarded(_take_up, project_id)
        _guarded(audits.give_places, project_id)
        _guarded(working_set.top_up, project_id)


def _take_up(opened: Context, project_id: int) -> None:
    copies.sort_new_copies(opened.database, project_id)
    sharing.draw_made(opened, project_id)
    working_set.preannotate(opened, project_id)


def _sweep_looks(opened: Context, _number: int) -> None:
    doubting.sweep(opened)


def _reopen_left(opened: Context, _number: int) -> None:
    review.reopen_left(opened)


def _ring_releases(opened: Context, _number: int) -> None:
    release_jobs.ring_left(opened)


def _ring_replays(opened: Context, _number: int) -> None:
    project_replays.ring_left(opened)


def _look_for_near(opened: Context, project_id: int) -> None:
    if near.search_wanted(opened.database, opened.settings.jobs, project_id):
        _ring("find_near", project_id)


def _look_over(opened: Context, project_id: int) -> None:
    if surveys.survey_due(opened.database, project_id):
        _ring("survey", project_id)


def _look_for_errors(opened: Context, project_id: int) -> None:
    if comparison.wanted(opened, project_id):
        _ring("compare_gold", project_id)


def _look_for_mentions(opened: Context, project_id: int) -> None:
    if mentions.is_wanted(opened.database, project_id):
        _ring("read_mentions", project_id)


def _projects() -> list[int]:
    with context().database.read() as session:
        statement = select(Project.id).where(Project.label_studio_id.is_not(None))
        return list(session.scalars(statement))


def _guarded(turn: Callable[[Context, int], object], number: int) -> None:
    """One thing that fails must not hold up the others; the next tick tries it again."""
    name = getattr(turn, "__qualname__", str(turn))
    try:
        turn(context(), number)
    except LabelStudioDownError as error:
        log.warning("event=label_studio_down turn=%s number=%d error=%s", name, number, error)
    except Exception:
        log.exception("event=turn_failed turn=%s number=%d", name, number)


def _ring(job: str, project_id: int) -> None:
    name = f"backend.jobs.{job}"
    context().queue.ring(DEFAULT_QUEUE, name, project_id, job_id=f"{name}-{project_id}")
