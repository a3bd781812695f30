"""A release's content written, against SELECT and orjson of the same rows.

The release sorts its lines, verifies every entity, says of each where it comes from and hashes
every file; the bare side fetches the same columns with the driver, reads their JSON and writes it.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import orjson
from documents_place import KEY, Figure, Kind, Place, Timer, alone, database_of, limit, ratio

from backend.db.projects import project_by_key
from backend.settings import Settings
from backend.workflow.releases.content import write_content
from backend.workflow.releases.filters import Filters
from backend.workflow.releases.labels import released_labels

BAR, BAR_MEMORY = 1.8, 600.0
SAME_ROWS = """
SELECT d.external_id, d.text, CAST(d.meta AS TEXT), CAST(g.entities AS TEXT), d.part, g.source,
       g.revision, g.updated_at, c.external_id
FROM gold AS g JOIN documents AS d ON d.id = g.document_id
LEFT JOIN documents AS c ON c.id = d.canonical_id ORDER BY g.document_id
"""
NAMES = ("id", "text", "meta", "entities", "part", "source", "revision", "updated_at", "copy_of")


def export_row(place: Place, kind: Kind) -> Iterator[Figure]:
    """The export of one kind of database: its time, and its memory."""
    settings = place.imported(kind)
    bare, ours = alone(_bare, settings, kind), alone(_release, settings)
    assert bare.result == ours.result, (bare.result, ours.result)
    yield ratio(f"release_export_{kind}", ours.seconds, bare.seconds, BAR, documents=ours.result)
    yield limit(f"release_export_{kind}_memory", ours.peak, BAR_MEMORY, "MB")


def _release(timer: Timer, settings: Settings) -> int:
    with database_of(settings).read() as session, tempfile.TemporaryDirectory() as folder:
        project = project_by_key(session, KEY)
        with timer:
            labels = released_labels(session, project, None)
            content = write_content(session, project.id, Path(folder), labels, Filters())
    return sum(split.documents for split in content.splits.values())


def _bare(timer: Timer, settings: Settings, kind: Kind) -> int:
    connection = database_of(settings).engine.raw_connection()
    cursor = connection.cursor(**({} if kind == "sqlite" else {"name": "bare"}))
    written = 0
    with tempfile.TemporaryFile() as file, timer:
        cursor.execute(SAME_ROWS)
        while rows := cursor.fetchmany(1000):
            for row in rows:
                record = dict(zip(NAMES, row, strict=True))
                record["meta"] = orjson.loads(record["meta"])
                record["entities"] = orjson.loads(record["entities"])
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            written += len(rows)
    return written


ROWS = {
    f"release_export_{kind}": partial(export_row, kind=kind) for kind in ("sqlite", "postgresql")
}
