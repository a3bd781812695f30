"""What the database's errors keep to themselves.

PostgreSQL repeats the values of the row that it refuses, under DETAIL and CONTEXT: texts of
people, which no log and no page of errors may hold. What is wrong stands in the first line.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext


def keep_values_unspoken(engine: Engine) -> None:
    """Cut the errors of every statement to their first line."""
    event.listen(engine, "handle_error", _cut_both)


@contextmanager
def values_unspoken() -> Iterator[None]:
    """The same for what is asked of the driver itself."""
    try:
        yield
    except Exception as error:
        _cut(error)
        raise


def _cut_both(context: ExceptionContext) -> None:
    _cut(context.original_exception)
    _cut(context.sqlalchemy_exception)


def _cut(error: BaseException | None) -> None:
    if error is not None and error.args:
        error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])
