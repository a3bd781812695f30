"""Import of the corpus with its gold, against the bare driver on the same rows.

The bare side is given every row as it stands in our database after the import, ready in memory,
and does nothing but `executemany` of Python's sqlite3 as it comes, or COPY of psycopg, into the
same tables with the same indexes, in one transaction. Ours reads the file, checks every entity,
hashes, looks for what is there already, sets copies aside, counts labels and commits every few
hundred documents; reading and writing are two processes where there are two processors.
"""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from documents_place import KEY, Figure, Kind, Place, Timer, alone, database_of, limit, ratio

from backend.loop.import_files import import_file
from backend.settings import Settings

BAR, BAR_MEMORY = 3.0, 600.0
TABLES = {
    "documents": "id, project_id, external_id, text, meta, file, group_key, canonical_id, "
    "deduped, not_annotated, arm, part, created_at",
    "gold": "project_id, document_id, entities, source, revision, updated_at",
}


def import_row(place: Place, kind: Kind) -> Iterator[Figure]:
    """The import of one kind of database: its time against the bare one, and its memory."""
    settings = place.settings(kind, fresh=True)
    ours = alone(_import, settings, place.corpus)
    (place.home(kind, "imported") / "done").touch()
    bare = alone(_bare, settings, place.settings(kind, "bare", fresh=True), kind)
    assert ours.result == bare.result[0], (ours.result, bare.result)
    yield ratio(
        f"import_{kind}",
        ours.seconds,
        bare.seconds,
        BAR,
        documents=ours.result,
        gold=bare.result[1],
        documents_per_second=round(ours.result / ours.seconds),
    )
    yield limit(f"import_{kind}_memory", ours.peak, BAR_MEMORY, "MB")


def _import(timer: Timer, settings: Settings, corpus: Path) -> int:
    with timer:
        report = import_file(database_of(settings), KEY, corpus, "train")
    assert not report.refused_lines, report.refused[:3]
    return report.added


def _bare(timer: Timer, ours: Settings, bare: Settings, kind: Kind) -> tuple[int, int]:
    rows = {table: _rows(ours, kind, table) for table in TABLES}
    insert = _executemany if kind == "sqlite" else _copy
    insert(timer, bare, rows)
    return len(rows["documents"]), len(rows["gold"])


def _rows(settings: Settings, kind: Kind, table: str) -> list[tuple[Any, ...]]:
    as_text = {"meta", "entities", "not_annotated"} if kind == "postgresql" else set()
    columns = [f"{one}::text" if one in as_text else one for one in TABLES[table].split(", ")]
    statement = f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1"  # noqa: S608
    connection = database_of(settings).engine.raw_connection()
    return [tuple(row) for row in connection.cursor().execute(statement)]


def _executemany(timer: Timer, settings: Settings, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    connection = sqlite3.connect(settings.goldloop_home / "goldloop.db")
    with timer:
        for table, columns in TABLES.items():
            places = ", ".join("?" * (columns.count(",") + 1))
            connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608
                rows[table],
            )
        connection.commit()


def _copy(timer: Timer, settings: Settings, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    address = settings.database_address.replace("+psycopg", "")
    with psycopg.connect(address) as connection, connection.cursor() as cursor, timer:
        for table, columns in TABLES.items():
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows[table]:
                    copy.write_row(row)
        connection.commit()


ROWS = {f"import_{kind}": partial(import_row, kind=kind) for kind in ("sqlite", "postgresql")}
