from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from backend.db.leases import LeaseLostError, lease
from backend.db.session import Database
from backend.db.tables import Lease, now


def test_one_holder_at_a_time_who_learns_that_somebody_came(any_database: Database):
    with lease(any_database, "tasks-1") as held:
        assert held is not None
        with lease(any_database, "tasks-1") as second:
            assert second is None
        with lease(any_database, "tasks-2") as other:
            assert other is not None
        assert not other.wanted
    assert held.wanted
    with lease(any_database, "tasks-1") as again:
        assert again is not None
    assert not again.wanted


def test_it_is_let_go_when_the_work_fails(any_database: Database):
    with pytest.raises(RuntimeError), lease(any_database, "x"):
        raise RuntimeError
    with lease(any_database, "x") as held:
        assert held is not None


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("number", [1, 2])  # the transactions that take it and give it back
def test_nothing_is_left_of_it_when_a_key_interrupts_its_transactions(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, number: int, committed: bool
):
    write, begun = Database.write, 0

    @contextmanager
    def interrupted(database: Database) -> Iterator[Session]:
        nonlocal begun
        begun += 1
        now_then = begun == number
        with write(database) as session:
            yield session
            if now_then and not committed:
                session.flush()
                raise KeyboardInterrupt
        if now_then:
            raise KeyboardInterrupt

    monkeypatch.setattr(Database, "write", interrupted)
    with pytest.raises(KeyboardInterrupt), lease(any_database, "x"):
        pass
    monkeypatch.undo()
    with any_database.read() as session:
        assert session.get(Lease, "x") is None


def test_a_dead_holder_loses_it_and_notices(any_database: Database):
    with any_database.write() as session:
        session.add(Lease(name="x", holder="dead", until=now() - timedelta(seconds=1)))
    with lease(any_database, "x") as held:
        assert held is not None
        with any_database.write() as session:
            session.get_one(Lease, "x").holder = "somebody else"
        with pytest.raises(LeaseLostError):
            held.renew()
    with any_database.read() as session:
        assert session.get_one(Lease, "x").holder == "somebody else"  # not ours to let go


def test_renewing_holds_on(any_database: Database):
    with lease(any_database, "x", seconds=1000) as held:
        with any_database.write() as session:
            session.get_one(Lease, "x").until = now() - timedelta(seconds=1)
        held.renew()
        with lease(any_database, "x") as second:
            assert second is None
