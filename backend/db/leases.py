"""Leases: work on one thing that only one process may do at a time, held by the database."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db.session import Database
from backend.db.tables import Lease, now

log = logging.getLogger(__name__)

SECONDS = 120.0  # a holder that has not renewed for so long is taken for dead


@dataclass(slots=True)
class Held:
    """A lease that we hold; renew it before each slow step."""

    database: Database
    name: str
    holder: str
    seconds: float
    wanted: bool = field(default=False)  # after release: somebody came meanwhile

    def renew(self) -> None:
        """Hold it for another while; raises LeaseLostError when it was taken over."""
        with self.database.write() as session:
            statement = (
                update(Lease)
                .where(Lease.name == self.name, Lease.holder == self.holder)
                .values(until=now() + timedelta(seconds=self.seconds))
            )
            if session.connection().execute(statement).rowcount != 1:
                raise LeaseLostError(self.name)


class LeaseLostError(Exception):
    """We were too slow: another holder has taken the lease over."""


@contextmanager
def lease(database: Database, name: str, seconds: float = SECONDS) -> Iterator[Held | None]:
    """Hold the lease of this name, or None when another holds it: then `wanted` is noted there.

    After the block `wanted` says whether somebody came in vain, who has to be rung.
    """
    held = Held(database, name, uuid.uuid4().hex, seconds)
    try:
        taken = _take_or_want(held)
    except KeyboardInterrupt:  # it may have come when the lease was taken, before we knew of it
        _give_back(held)
        raise
    if not taken:
        log.info("event=lease_busy name=%s", name)
        yield None
        return
    try:
        yield held
    finally:
        try:
            _give_back(held)
        except KeyboardInterrupt:
            _give_back(held)
            raise


def _take_or_want(held: Held) -> bool:
    with held.database.write() as session:
        taken = _take(session, held)
        if not taken:
            session.execute(update(Lease).where(Lease.name == held.name).values(wanted=True))
    return taken


def _give_back(held: Held) -> None:
    with held.database.write() as session:
        row = session.get(Lease, held.name, with_for_update=True)
        if row is not None and row.holder == held.holder:
            held.wanted = row.wanted
            session.execute(delete(Lease).where(Lease.name == held.name))


def _take(session: Session, held: Held) -> bool:
    until = now() + timedelta(seconds=held.seconds)
    values = {"name": held.name, "holder": held.holder, "until": until, "wanted": False}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(Lease).values(values).on_conflict_do_nothing())
    row = session.get(Lease, held.name, with_for_update=True)
    if row is None:
        return False  # released between the two statements: whoever comes next takes it
    if row.holder != held.holder and row.until < now():
        row.holder, row.until, row.wanted = held.holder, until, False
    return row.holder == held.holder
