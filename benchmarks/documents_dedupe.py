"""Exact copies of the whole corpus set aside, against reading every text and hashing its form.

An import sets copies aside as it writes them. What that takes is measured inside the import of
the whole corpus (the keys, the look for what is there, the places in groups), and dedupe after it,
which finds what the import was not sure of, is added.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from documents_place import KEY, Figure, Kind, Place, Timer, alone, database_of, ratio
from sqlalchemy import func, select

from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.loop.copies import dedupe_all
from backend.loop.import_files import import_file
from backend.settings import Settings
from backend.workflow import import_documents
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.imports.present import Present

BAR = 3.0
STEPS: tuple[tuple[Any, str], ...] = (  # of an import, for the sake of copies
    (Present, "catch_up"),
    (Present, "among"),
    (Present, "add"),
    (import_documents, "groups_of"),
    (import_documents, "places_of"),
)


def dedupe_row(place: Place, kind: Kind) -> Iterator[Figure]:
    """Exact copies on one kind of database."""
    settings = place.settings(kind, "deduped", fresh=True)
    ours = alone(_dedupe, settings, place.corpus)
    bare = alone(_hash, settings)
    documents, copies, left = ours.result
    assert documents == bare.result
    yield ratio(
        f"dedupe_exact_{kind}",
        ours.seconds,
        bare.seconds,
        BAR,
        documents=documents,
        copies=copies,
        left_to_dedupe=left,
    )


def _hash(timer: Timer, settings: Settings) -> int:
    """Every text read by the driver alone, and hashed."""
    cursor = database_of(settings).engine.raw_connection().cursor()
    with timer:
        cursor.execute("SELECT id, text FROM documents")
        keys = {number: group_key(text) for number, text in cursor}  # type: ignore[attr-defined]
    return len(keys)


def _dedupe(timer: Timer, settings: Settings, corpus: Path) -> tuple[int, int, int]:
    """Documents, copies among them, and documents that import left to dedupe."""
    with corpus.open("rb") as lines:
        texts = [orjson.loads(line)["text"] for line in lines]
    with timer:
        for text in texts:
            group_key(text)
    database = database_of(settings)
    for owner, step in STEPS:
        setattr(owner, step, _timed(timer, getattr(owner, step)))
    import_file(database, KEY, corpus, "train")
    with database.read() as session:
        project_id = project_by_key(session, KEY).id
    with timer:
        left = dedupe_all(database, project_id).looked_at
    with database.read() as session:
        copies = session.scalar(select(func.count(Document.canonical_id))) or 0
    return len(texts), copies, left


def _timed(timer: Timer, step: Callable[..., Any]) -> Callable[..., Any]:
    """The same step of an import, to its end, its seconds added to the timer's."""

    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        result = step(*arguments)
        result = list(result) if isinstance(result, Iterator) else result
        timer.seconds += time.perf_counter() - began
        return result

    return timed


ROWS = {f"dedupe_exact_{kind}": partial(dedupe_row, kind=kind) for kind in ("sqlite", "postgresql")}
