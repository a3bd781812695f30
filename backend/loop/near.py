"""The search for near copies, chunk by chunk: after each import, on the tick, or as a command.

New documents are compared with what the index holds, outside of any transaction; short ones write
what was found; then the index takes the chunk over. An interrupted chunk is done again. One
process at a time searches a project.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from backend.db import near as queries
from backend.db.groups import unite_parts
from backend.db.leases import lease
from backend.db.near import FreshDocument
from backend.db.projects import settings_of
from backend.db.session import Database
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.workflow.duplicates.near import compare
from backend.workflow.duplicates.near_index import NearIndex, Progress, open_index
from backend.workflow.duplicates.near_sketch import Similarity, Sketches
from backend.workflow.duplicates.near_workers import Sketching, sketchers

log = logging.getLogger(__name__)

CHUNK = 40_000  # documents compared at a time
WRITTEN = 500  # documents a transaction


@dataclass(slots=True)
class NearReport:
    """What a search found; `joined` counts documents whose near group is new or another."""

    looked_at: int = 0
    joined: int = 0
    compared: int = 0


def find_near(
    database: Database,
    jobs: Path,
    project_id: int,
    advance: Callable[[int, int], None] = lambda looked_at, left: None,
) -> NearReport | None:
    """Compare all documents that were not looked at; None while another process does.

    `advance` hears after each chunk how many were looked at, and are left. `jobs` is the folder
    of job folders: the index is kept there. It is made anew when it does not match the database,
    or when the project's similarity has changed: groups are formed anew then.
    """
    with lease(database, f"near-{project_id}") as held:
        if held is None:
            return None
        index = _open(database, jobs, project_id)
        total = NearReport()
        with database.read() as session:
            expected = queries.count_documents(session, project_id) - index.progress.seen
            near = queries.near_documents(session, project_id)
        with sketchers(index.similarity, expected) as begin:
            advance(0, expected)
            chunk = _read(database, project_id, index.progress.mark, begin)
            while chunk is not None:
                held.renew()
                fresh, sketching = chunk
                chunk = _read(database, project_id, fresh[-1].id, begin)
                report = _take(database, project_id, index, fresh, sketching(), near)
                total.looked_at += len(fresh)
                total.joined += report.joined
                total.compared += report.compared
                advance(total.looked_at, max(0, expected - total.looked_at))
    if total.joined:
        log.info("event=near_copies project=%d documents=%d", project_id, total.joined)
    return total


def search_wanted(database: Database, jobs: Path, project_id: int) -> bool:
    """Whether there may be something to find: cheap enough to be asked on every tick."""
    with database.read() as session:
        similarity = similarity_of(session.get_one(Project, project_id))
        index = open_index(index_folder(jobs, project_id), similarity)
        return queries.has_fresh(session, project_id, index.progress.mark)


def similarity_of(project: Project) -> Similarity:
    """What a near copy is in a project."""
    settings = settings_of(project)
    return Similarity(settings.near_threshold, settings.casefold)


def index_folder(jobs: Path, project_id: int) -> Path:
    """Where a project's index lies."""
    return jobs / f"near-copies-{project_id}"


_Chunk = tuple[list[FreshDocument], Sketching]


def _open(database: Database, jobs: Path, project_id: int) -> NearIndex:
    """The project's index, or an empty one and no near groups when it does not fit."""
    with database.read() as session:
        similarity = similarity_of(session.get_one(Project, project_id))
        index = open_index(index_folder(jobs, project_id), similarity)
        mark = index.progress.mark
        fits = queries.count_documents(session, project_id, up_to=mark) == index.progress.seen
    if mark and fits:
        index.tidy()
        return index
    index.clear()
    with database.write() as session:
        queries.part_near(session, project_id)
    return index


def _read(
    database: Database,
    project_id: int,
    after: int,
    begin: Callable[[list[str]], Sketching],
) -> _Chunk | None:
    with database.read() as session:
        fresh = queries.fresh_documents(session, project_id, after, CHUNK)
    if not fresh:
        return None
    return fresh, begin([document.text for document in fresh if document.id == document.oldest_id])


def _take(
    database: Database,
    project_id: int,
    index: NearIndex,
    fresh: list[FreshDocument],
    sketches: Sketches,
    near: dict[int, int],
) -> NearReport:
    """Compare a chunk, write what was found, and let the index take it over."""
    oldest = np.array([one.id for one in fresh if one.id == one.oldest_id], np.int64)
    compared = compare(index, oldest[sketches.places], sketches, near)
    near |= compared.near
    copies = {one.oldest_id for one in fresh if one.id != one.oldest_id} & near.keys()
    wanted = compared.near | {document: near[document] for document in copies}
    _store(database, project_id, wanted)
    seen = index.progress.seen + len(fresh)
    index.keep(Progress(fresh[-1].id, seen))
    return NearReport(len(fresh), len(wanted), compared.verified)


def _store(database: Database, project_id: int, near: dict[int, int]) -> None:
    """Write near groups, one group after the other, a few documents a transaction."""
    left = iter(sorted(near.items(), key=lambda item: item[1]))
    while some := dict(islice(left, WRITTEN)):
        with database.write() as session:
            locked_project(session, project_id)  # roles may change
            queries.join_near(session, project_id, some)
            unite_parts(session, project_id, set(some.values()))
