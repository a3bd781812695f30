"""The labels' counts of a project with the whole corpus as gold, against counting them.

The bar is of the whole question that the page and the command ask; counting is one GROUP BY over
the entities of gold alone.
"""

import statistics
import time
from collections.abc import Iterator
from functools import partial

from documents_place import KEY, Figure, Kind, Place, Timer, alone, database_of, limit
from sqlalchemy import text

from backend.db.projects import project_by_key
from backend.settings import Settings
from backend.workflow.labels.balance import balance

BAR = 5.0  # ms
ASKED = 50


def balance_row(place: Place, kind: Kind) -> Iterator[Figure]:
    """The query on one kind of database."""
    milliseconds, counted, entities = alone(_ask, place.imported(kind), kind).result
    yield limit(
        f"balance_query_{kind}", milliseconds, BAR, "ms", group_by_ms=counted, entities=entities
    )


def _ask(timer: Timer, settings: Settings, kind: Kind) -> tuple[float, float, int]:
    database, took = database_of(settings), []
    for _ in range(ASKED):
        with database.read() as session:
            began = time.perf_counter()
            found = balance(session, project_by_key(session, KEY))
            took.append((time.perf_counter() - began) * 1000)
    expanded = (
        "json_extract(e.value, '$.label') FROM gold, json_each(gold.entities)"
        if kind == "sqlite"
        else "e.value ->> 'label' FROM gold, json_array_elements(gold.entities)"
    )
    label, tables = expanded.split(" FROM ")
    statement = f"SELECT {label}, count(*) FROM {tables} AS e GROUP BY 1"  # noqa: S608
    with database.read() as session:
        began = time.perf_counter()
        counts = dict(session.execute(text(statement)).all())
        counted = (time.perf_counter() - began) * 1000
    kept = {one.label: one.gold.entities for one in found.labels if one.gold.entities}
    assert kept == counts, "the counts that are kept are wrong"
    return statistics.median(took), round(counted, 1), sum(counts.values())


ROWS = {
    f"balance_query_{kind}": partial(balance_row, kind=kind) for kind in ("sqlite", "postgresql")
}
