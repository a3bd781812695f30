"""Which version answers for each project: loaded in the background, swapped in one assignment.

A thread looks at every champion pointer twice a second. A pointer that changed has its version
loaded and tried on a short text beside the one that serves, and only then put in its place: a
request that has begun keeps the tagger it began with, and none ever waits for a swap. A version
that cannot be loaded leaves the old one serving, is reported, and is tried again later.
"""

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_backend.contract.model_store import Champion, ModelStore, ModelStoreError
from ml_backend.contract.reasons import reason_of

if TYPE_CHECKING:
    from ml_backend.tagger.loading import TextTagger

log = logging.getLogger(__name__)

UNTRAINED = "untrained"  # the version of a project that has none yet
POLL_EVERY = 0.5  # seconds between looks at the pointers
RETRY_AFTER = 30.0  # seconds before a version that failed to load is tried again

Stamp = tuple[int, int, int]


class NotServedError(Exception):
    """The project has a champion, but nothing of it is loaded; the message says why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that answers, and the labelling configuration it was published under."""

    version: str
    label_config: str
    tagger: "TextTagger"
    mapping: Mapping[str, str] = field(default_factory=dict)  # under which it learned


@dataclass(frozen=True, slots=True)
class Status:
    """A project at a glance; `error` is why its champion is not the version that is loaded."""

    champion: str | None = None
    loaded: str | None = None
    error: str | None = None


@dataclass(slots=True)
class _Project:
    """What the loading thread knows of a project; only that thread writes it."""

    seen: Stamp | None = None  # the pointer file last acted on
    champion: str | None = None
    loaded: Loaded | None = None
    error: str | None = None
    retry_at: float = 0.0


class ModelServer:
    """Loads and holds the champion of every project of a model store."""

    def __init__(
        self,
        store: ModelStore,
        *,
        load: "Callable[[Path], TextTagger] | None" = None,
        on_failure: Callable[[str], Any] | None = None,
    ):
        self.store = store
        self._load = load or _load_tagger
        self._on_failure = on_failure
        self._projects: dict[str, _Project] = {}
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)

    def start(self) -> None:
        """Begin to follow the pointers; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop following, once a load that is going on has ended."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def statuses(self) -> dict[str, Status]:
        """Every project that has, or had, a champion."""
        return {key: _status(project) for key, project in sorted(self._projects.copy().items())}

    def status(self, project_key: str) -> Status:
        """One project; all None before its first version."""
        project = self._projects.get(project_key)
        return _status(project) if project else Status()

    def serving(self, project_key: str, *, wait: float) -> Loaded | None:
        """What answers for a project now, None before its first version.

        Waits up to `wait` seconds for a first load that has not finished. Raises NotServedError
        when it failed or takes longer.
        """
        project = self._projects.get(project_key)
        if project is not None and project.loaded is not None:
            return project.loaded
        if not self.store.champion_path(project_key).exists():
            return None
        self._wake.set()
        with self._changed:
            self._changed.wait_for(lambda: self._settled(project_key), timeout=wait)
        project = self._projects.get(project_key) or _Project()
        if project.loaded is not None:
            return project.loaded
        raise NotServedError(project.error or "the first version is still being loaded")

    def named_version(self, project_key: str) -> str:
        """The version that a prediction asked for now will bear, at once; never empty.

        That is the loaded one; before a first load has ended it is the pointer's, for which a
        prediction waits. Raises NotServedError when the load failed or the pointer is unreadable.
        """
        project = self._projects.get(project_key) or _Project()
        if project.loaded is not None:
            return project.loaded.version
        if project.error is not None:
            raise NotServedError(project.error)
        try:
            champion = self.store.champion(project_key)
        except (ModelStoreError, OSError) as error:
            raise NotServedError(str(error)) from error
        return champion.version if champion else UNTRAINED

    def _settled(self, project_key: str) -> bool:
        project = self._projects.get(project_key)
        return project is not None and bool(project.loaded or project.error)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._look()
            except Exception:  # the store may be a mounted folder that comes and goes
                log.exception("model_store_unreadable path=%s", self.store.root)
            self._wake.wait(POLL_EVERY)
            self._wake.clear()

    def _look(self) -> None:
        replaced = False
        for key in sorted({*self.store.projects(), *self._projects}):
            if self._closing:
                return
            project = self._projects.get(key) or _Project()
            stamp = _stamp(self.store.champion_path(key))
            retry = project.error is not None and time.monotonic() >= project.retry_at
            if stamp == project.seen and not retry:
                continue
            project.seen = stamp
            self._projects[key] = project
            replaced |= self._follow(key, project)
            with self._changed:
                self._changed.notify_all()
        if replaced:  # last of all, since it takes long where there is much
            _tidy_memory()

    def _follow(self, key: str, project: _Project) -> bool:
        """Make the project's loaded version the one that its pointer names; whether it is now."""
        try:
            champion = self.store.champion(key)
            version = champion.version if champion else None
            if version != project.champion:  # what is reported is never an earlier one's fault
                project.champion, project.error = version, None
            before = project.loaded
            if champion is None:
                project.loaded = None
            elif before is not None and before.version == champion.version:
                project.loaded = _loaded(champion, before.tagger)
            else:
                project.loaded = self._open(key, champion)
        except Exception as error:  # whatever a broken version raises, the old one goes on
            project.error = reason_of(error)
            project.retry_at = time.monotonic() + RETRY_AFTER
            log.exception("load_failed project=%s version=%s", key, project.champion)
            if self._on_failure:
                self._on_failure(key)
            return False
        project.error = None
        return True

    def _open(self, key: str, champion: Champion) -> Loaded:
        began = time.monotonic()
        tagger = self._load(self.store.version_folder(key, champion.version))
        tagger.predict(["Goldloop"])  # a version that loads and cannot tag is broken too
        seconds = time.monotonic() - began
        log.info("loaded project=%s version=%s seconds=%.2f", key, champion.version, seconds)
        return _loaded(champion, tagger)


def _loaded(champion: Champion, tagger: "TextTagger") -> Loaded:
    return Loaded(champion.version, champion.label_config, tagger, champion.mapping)


def _load_tagger(folder: Path) -> "TextTagger":
    # Imported in the loading thread: torch takes seconds, and health answers meanwhile.
    from ml_backend.tagger.loading import load_tagger  # noqa: PLC0415

    return load_tagger(folder)


def _status(project: _Project) -> Status:
    loaded = project.loaded
    return Status(project.champion, loaded.version if loaded else None, project.error)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _tidy_memory() -> None:
    """Give the replaced version's memory back; a request that still uses it keeps it until done.

    What stays is set aside from the garbage collector: going through torch's many objects again
    and again would double the time that a large answer takes to build.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
