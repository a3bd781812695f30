"""Exact copies of the whole corpus set aside, against reading every text and hashing its form.

Twice: after the import, which has looked at those that are alone already, and with everything
looked at anew, as if nobody had looked at anything.
"""

from collections.abc import Iterator
from functools import partial

from documents_place import KEY, Figure, Kind, Place, Timer, alone, database_of, ratio
from sqlalchemy import func, select, update

from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.loop.copies import dedupe_all
from backend.settings import Settings
from backend.workflow.dedupe import DedupeReport
from backend.workflow.normal_form import group_key

BAR = 3.0


def dedupe_row(place: Place, kind: Kind) -> Iterator[Figure]:
    """Dedupe on one kind of database."""
    settings = place.imported(kind)
    bare = alone(_hash, settings)
    alone(_forget, settings, True)
    for name, anew in ((f"dedupe_exact_{kind}", False), (f"dedupe_exact_{kind}_anew", True)):
        if anew:
            alone(_forget, settings, False)
        ours = alone(_dedupe, settings)
        report = ours.result
        yield ratio(
            name,
            ours.seconds,
            bare.seconds,
            BAR,
            looked_at=report.looked_at,
            copies=report.copies,
            conflicts=report.conflicts,
            peak_mb=round(ours.peak),
        )


def _hash(timer: Timer, settings: Settings) -> int:
    """Every text read by the driver alone, and hashed."""
    cursor = database_of(settings).engine.raw_connection().cursor()
    with timer:
        cursor.execute("SELECT id, text FROM documents")
        keys = {number: group_key(text) for number, text in cursor}
    return len(keys)


def _dedupe(timer: Timer, settings: Settings) -> DedupeReport:
    database = database_of(settings)
    with database.read() as session:
        project_id = project_by_key(session, KEY).id
    with timer:
        return dedupe_all(database, project_id)


def _forget(timer: Timer, settings: Settings, import_looked: bool) -> None:
    """As the import left it, or as if nobody had looked at any document."""
    with database_of(settings).write() as session:
        connection = session.connection()
        connection.execute(update(Document).values(canonical_id=None, deduped=False))
        if import_looked:
            lonely = select(Document.group_key).group_by(Document.group_key)
            its = Document.group_key.in_(lonely.having(func.count() == 1))
            connection.execute(update(Document).where(its).values(deduped=True))


ROWS = {f"dedupe_exact_{kind}": partial(dedupe_row, kind=kind) for kind in ("sqlite", "postgresql")}
