"""A release is made under a temporary name, renamed when it is complete, and only then listed.

One process at a time makes releases of a project. What an interrupted one has left behind is
removed by the next.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Project
from backend.db.tables_of_releases import Release
from backend.db.versions import locked_project
from backend.errors import ConflictError, InvalidInputError
from backend.loop.copies import sort_copies
from backend.loop.near import find_near
from backend.settings import Settings
from backend.workflow.releases.content import SPLITS, gold_file, write_content
from backend.workflow.releases.filters import read_filters
from backend.workflow.releases.labels import released_labels
from backend.workflow.releases.make import Wish, make_release
from backend.workflow.releases.manifest import (
    MANIFEST,
    Manifest,
    read_manifest,
    same_content,
)

log = logging.getLogger(__name__)

_PARTIAL = ".making-"
_READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class Made:
    """The release, and whether it is new: one with the same content is not made again."""

    release: Release
    is_new: bool


def make(
    database: Database,
    settings: Settings,
    project_key: str,
    wish: Wish,
    advance: Callable[[int], None] = lambda documents: None,
) -> Made:
    """Make the next release of a project from its gold as it is now.

    Duplicates are looked for first, so that none straddles the splits. `advance` hears how many
    more documents are written, and 0 before the release is listed: until then it may raise, and
    nothing has been made. Raises ConflictError while another process makes one or looks for near
    copies, InvalidInputError when there is no gold to release, and what `make_release` raises.
    """
    with database.read() as session:
        project = project_by_key(session, project_key)
        project_id = project.id
        released_labels(session, project, wish.filters.labels)  # told before the long look
    home = settings.releases / project_key
    with _alone(home, project_key):
        sort_copies(database, project_id)
        if find_near(database, settings.jobs, project_id) is None:
            raise ConflictError("near copies are being looked for: try again when that is done")
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=home))
        try:
            return _make(database, project_id, home, partial, wish, advance)
        finally:
            _remove(partial)


def changed_files(
    database: Database,
    release: Release,
    advance: Callable[[int], None] = lambda documents: None,
) -> list[str]:
    """The files of gold that come out otherwise when a release is made anew from the database.

    Raises ConflictError when gold or labels have changed since: then others are to be expected.
    """
    manifest = read_manifest(Path(release.folder))
    with (
        tempfile.TemporaryDirectory(prefix="goldloop-release-") as folder,
        one_moment(database) as session,
    ):
        project = session.get_one(Project, release.project_id)
        if project.gold_revision != release.gold_revision:
            raise ConflictError(
                f"gold has changed since release {release.number} (revision "
                f"{release.gold_revision}, now {project.gold_revision}): it cannot be made "
                "anew from the database"
            )
        filters = read_filters(release.filters)
        labels = released_labels(session, project, filters.labels)
        if list(labels.names) != manifest["labels"] or labels.mapping != manifest["mapping"]:
            raise ConflictError(
                f"labels or their mapping have changed since release {release.number}: it "
                "cannot be made anew from the database"
            )
        content = write_content(session, project.id, Path(folder), labels, filters, advance)
    stated = manifest["files"]
    return [
        name
        for name in map(gold_file, SPLITS)
        if content.files[name].sha256 != stated.get(name, {}).get("sha256")
    ]


@contextmanager
def one_moment(database: Database) -> Iterator[Session]:
    """A session that reads and sees one moment of the database."""
    with database.read() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def _make(
    database: Database,
    project_id: int,
    home: Path,
    partial: Path,
    wish: Wish,
    advance: Callable[[int], None],
) -> Made:
    with one_moment(database) as session:
        project = session.get_one(Project, project_id)
        last = releases.last_release(session, project_id)
        number = last.number + 1 if last is not None else 1
        manifest = make_release(session, project, partial, number, wish, advance)
    if not any(its["documents"] for its in manifest["splits"].values()):
        raise InvalidInputError("there is no gold to release")
    if last is not None and _is_the_same(last, manifest):
        return Made(last, is_new=False)
    target, unlisted = home / str(number), home / f".{number}.unlisted"
    if not unlisted.exists() and not _is_left_over(target, manifest):
        raise ConflictError(
            f"{target} holds a release that this database does not list: move it away, or set "
            "GOLDLOOP_HOME to another folder"
        )
    _seal(partial)
    try:
        with database.write() as session:
            locked_project(session, project_id)
            newest = releases.last_release(session, project_id)
            if (newest.number if newest is not None else 0) != number - 1:
                raise ConflictError("another release was made meanwhile: try again")
            advance(0)
            release = _row(project_id, manifest, partial, target)
            session.add(release)
            session.flush()
            _remove(target)
            unlisted.touch()  # the folder is whole before the database lists it
            partial.rename(target)
    except BaseException:
        _remove_unlisted(database, project_id, number, target)
        raise
    finally:
        unlisted.unlink(missing_ok=True)
    log.info("event=released project=%s number=%d", manifest["project"], number)
    return Made(release, is_new=True)


def _is_the_same(last: Release, manifest: Manifest) -> bool:
    try:
        return same_content(read_manifest(Path(last.folder)), manifest)
    except InvalidInputError:
        return False  # it is damaged: `verify` tells


def _is_left_over(target: Path, manifest: Manifest) -> bool:
    """Whether a folder that is not listed, if there is one, is half made or holds what is made
    now. Another may be a release of another database.
    """
    try:
        return same_content(read_manifest(target), manifest)
    except InvalidInputError:
        return True


def _row(project_id: int, manifest: Manifest, partial: Path, target: Path) -> Release:
    splits = manifest["splits"]
    return Release(
        project_id=project_id,
        number=manifest["number"],
        digest=manifest["digest"],
        manifest_digest=hashlib.sha256((partial / MANIFEST).read_bytes()).hexdigest(),
        folder=str(target),
        gold_revision=manifest["gold_revision"],
        filters=manifest["filters"],
        counts={
            "documents": sum(its["documents"] for its in splits.values()),
            "entities": sum(its["entities"] for its in splits.values()),
            "splits": {split: its["documents"] for split, its in splits.items()},
        },
        made_by=manifest["made_by"],
        note=manifest["note"],
    )


def _seal(folder: Path) -> None:
    """Let nobody write to the files any more, and let them survive a power cut."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.chmod(_READ_ONLY)
    folder.chmod(0o755)


@contextmanager
def _alone(home: Path, project_key: str) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"a release of {project_key} is being made") from None
        for left_over in home.glob(f"{_PARTIAL}*"):
            _remove(left_over)
        yield


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _remove_unlisted(database: Database, project_id: int, number: int, target: Path) -> None:
    """Take a folder away again whose release was not committed after all."""
    with database.read() as session:
        newest = releases.last_release(session, project_id)
    if newest is None or newest.number < number:
        _remove(target)
