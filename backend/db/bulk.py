"""Many rows in one go, at the speed of the driver: `executemany` on SQLite, COPY on PostgreSQL.

SQLAlchemy alone takes 2.6 times as long for the same rows, and a condition with a thousand
parameters is compiled anew for each number of them.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVarTuple

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Dialect,
    Row,
    Select,
    String,
    Table,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler

from backend.db.tables import Base
from backend.db.unspoken import values_unspoken

_Row = TypeVarTuple("_Row")


def insert_rows(
    session: Session, of: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of values that stand in the order of `columns`; defaults are not filled in.

    Nothing is flushed first. Raises SQLAlchemy's IntegrityError on SQLite and psycopg's on
    PostgreSQL: who calls knows that the rows are new.
    """
    connection, table = session.connection(), _table(of)
    encoded = _encoded(session, [table.c[name] for name in columns], rows)
    names = ", ".join(columns)
    if not _is_sqlite(session):
        cursor = connection.connection.cursor()
        statement = f"COPY {table.name} ({names}) FROM STDIN"
        with values_unspoken(), cursor.copy(statement) as copy:
            for row in encoded:
                copy.write_row(row)
        cursor.close()
    elif encoded:
        places = ", ".join("?" * len(columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({places})",  # noqa: S608
            encoded,
        )


def set_columns(
    session: Session, of: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Give columns of numbers or truth values their own values in each row.

    A row is its id and then the values in the order of `columns`.
    """
    if not rows:
        return
    connection, table = session.connection(), _table(of)
    if _is_sqlite(session):
        places = ", ".join(f"{name} = ?" for name in columns)
        connection.exec_driver_sql(
            f"UPDATE {table.name} SET {places} WHERE id = ?",  # noqa: S608
            [(*values, row) for row, *values in rows],
        )
        return
    names = ("id", *columns)
    arrays = [f"CAST(:{one} AS {table.c[one].type.compile(connection.dialect)}[])" for one in names]
    statement = (
        f"UPDATE {table.name} SET {', '.join(f'{one} = given.{one}' for one in columns)} "  # noqa: S608
        f"FROM unnest({', '.join(arrays)}) AS given({', '.join(names)}) "
        f"WHERE {table.name}.id = given.id"
    )
    values = map(list, zip(*rows, strict=True))
    connection.execute(text(statement), dict(zip(names, values, strict=True)))


def new_ids(session: Session, of: type[Base], count: int) -> Sequence[int]:
    """Numbers for rows that are about to be inserted, taken by nobody else.

    On SQLite the transaction must be a writing one: there is one writer at a time.
    """
    table = _table(of)
    if _is_sqlite(session):
        newest = f"SELECT max(id) FROM {table.name}"  # noqa: S608
        first = (session.connection().exec_driver_sql(newest).scalar_one() or 0) + 1
        return range(first, first + count)
    numbers: Sequence[int] | None = session.scalar(_NEW_IDS, {"name": table.name, "n": count})
    return numbers or []


_NEW_IDS = text(
    "SELECT array_agg(nextval(sequence)) FROM (SELECT CAST(pg_get_serial_sequence(:name, 'id') "
    "AS regclass) AS sequence OFFSET 0) AS its, generate_series(1, :n)"
)


def is_one_of(
    session: Session,
    column: InstrumentedAttribute[Any] | Column[Any],
    values: Collection[int] | Collection[str],
) -> ColumnElement[bool]:
    """The condition `column IN values` with all the values as one parameter."""
    if _is_sqlite(session):
        listed = bindparam(None, orjson.dumps(list(values)).decode(), String, unique=True)
        return column.in_(select(func.json_each(listed).table_valued("value").c.value))
    return column == any_(bindparam(None, list(values), ARRAY(column.type), unique=True))


def looked_up(
    session: Session,
    statement: Select[*_Row],
    column: InstrumentedAttribute[str],
    values: Collection[str],
    **given: object,
) -> Sequence[Row[*_Row]]:
    """The rows of a statement in which `column` has one of the values, found by its index.

    What PostgreSQL knows of a table that is being filled is out of date: it may think a scan of
    all of it as cheap as an index, and an import would take the square of its size. Here it looks
    up each value by itself (see also `Database.survey`); a value must be given once. They are sent
    as JSON, which the driver need not quote one by one. The statement must be kept, its own
    parameters being `given`: making it takes as long as asking. Rows hold what the driver returns.
    """
    connection = session.connection()
    asked = _each(statement, column, connection.dialect)
    named = {**asked.params, "listed": orjson.dumps(list(values)).decode(), **given}
    parameters = tuple(map(named.__getitem__, asked.positiontup or ())) or named
    return connection.exec_driver_sql(asked.string, parameters).all()


@lru_cache
def _each(
    statement: Select[*_Row], column: InstrumentedAttribute[str], dialect: Dialect
) -> SQLCompiler:
    listed = bindparam("listed", type_=String)
    if dialect.name == "sqlite":
        each = func.json_each(listed).table_valued("value")
        found = statement.where(column.in_(select(each)))
    else:
        texts = func.json_array_elements_text(cast(listed, JSON)).table_valued("value")
        each = texts.render_derived("each")
        at_each = statement.where(column == each.c.value).offset(literal_column("0")).lateral()
        found = select(*at_each.c).select_from(each).join(at_each, true())
    compiled = found.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _table(of: type[Base]) -> Table:
    table = of.__table__
    assert isinstance(table, Table)
    return table


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _encoded(
    session: Session, columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them, encoded column by column."""
    values = list(zip(*rows, strict=True))
    if not values:
        return []
    dialect = session.get_bind().dialect
    for number, column in enumerate(columns):
        if isinstance(column.type, JSON):
            values[number] = tuple(map(_json, values[number]))
            continue
        processor = column.type.dialect_impl(dialect).bind_processor(dialect)
        if processor is not None:  # times and truth values: few different ones
            values[number] = tuple(map(lru_cache(processor), values[number]))
    return list(zip(*values, strict=True))


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
