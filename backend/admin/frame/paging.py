"""Lists that are paged by key: each page begins after the last row of the one before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from flask import Flask, request

Row = TypeVar("Row")

PAGE_SIZE = 50
OFFERED = 100  # people that a field for an address offers; another address is typed
LONGEST_KEY = 18  # digits of a number that a database holds


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the key that the next page begins after; None at the end."""

    rows: Sequence[Row]
    after: str | None


def page_of(found: Sequence[Row], key: Callable[[Row], object], size: int = PAGE_SIZE) -> Page[Row]:
    """The page of a query that asked for one row more than a page has."""
    rows = found[:size]
    return Page(rows, str(key(rows[-1])) if len(found) > size else None)


def asked_after(first: int = 0) -> int:
    """The whole number that the address asks to go on after; `first` on the first page."""
    after = request.args.get("after", "")
    asked = after.isascii() and after.isdecimal() and len(after) <= LONGEST_KEY
    return int(after) if asked else first


def add_paging(app: Flask) -> None:
    """Let templates link to the next page."""
    app.jinja_env.globals["address_with"] = address_with


def address_with(**changed: object) -> str:
    """This page's address with some of its query changed; None leaves a name out."""
    query = {**request.args.to_dict(flat=False), **changed}
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{request.path}?{urlencode(kept, doseq=True)}" if kept else request.path
