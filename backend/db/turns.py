"""Turns: who may write now, by the kernel's lock of a file.

A second lock is a turnstile: whoever wants a turn must be next first. One who writes in a row
finds somebody else to be next, and need not pause for those who wait to come in between.
"""

import fcntl
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from backend.errors import DatabaseBusyError


def take_turn(path: Path, seconds: float) -> IO[bytes]:
    """Lock a file, waiting so long at most; returns it for `end_turn`.

    The kernel wakes those who wait when the lock is let go, but knows no time limit: a thread
    waits in our place, and gives a lock that comes too late back at once.
    """
    turnstile = path.with_name(f"{path.name}-next").open("ab")
    file = path.open("ab")
    if _free(turnstile) and _free(file):
        end_turn(turnstile)
        return file
    granted: Future[IO[bytes]] = Future()
    waiter = threading.Thread(
        target=_wait, args=(turnstile, file, granted), name="turn", daemon=True
    )
    waiter.start()
    try:
        return granted.result(seconds)
    except BaseException as error:
        if not granted.cancel():  # it came at the last moment
            end_turn(granted.result())
        if isinstance(error, TimeoutError):
            raise DatabaseBusyError(
                f"the database is busy: another has been writing for {seconds:g} seconds"
            ) from None
        raise


def end_turn(file: IO[bytes]) -> None:
    """Let the next one write."""
    fcntl.flock(file, fcntl.LOCK_UN)  # closing alone would not, while a forked process has it too
    file.close()


def _free(file: IO[bytes]) -> bool:
    """Lock a file unless another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(turnstile: IO[bytes], file: IO[bytes], granted: Future[IO[bytes]]) -> None:
    try:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        file.close()
        if granted.set_running_or_notify_cancel():
            granted.set_exception(error)
        return
    finally:
        end_turn(turnstile)
    if granted.set_running_or_notify_cancel():
        granted.set_result(file)
    else:
        end_turn(file)
