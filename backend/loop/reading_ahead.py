"""Documents read, checked and keyed by a process of their own while its parent writes.

Reading takes as long as writing: a large file is imported in little more than half the time.
"""

import gc
import multiprocessing
import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from backend.errors import GoldloopError, InvalidInputError
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.reading import OpenFile, open_records
from backend.workflow.formats.registry import BY_NAME
from backend.workflow.formats.source import Advance, ReadOptions
from backend.workflow.ready_documents import Chunk, ReadyDocument, chunks
from ml_backend.contract.label_set import LabelSet

WORTH_IT = 4 << 20  # bytes: below, starting a process takes longer than it saves


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read for a project."""

    file: Path
    options: ReadOptions
    adapt: Adaptation
    labels: LabelSet
    casefold: bool

    def chunks(self, found: OpenFile) -> Iterator[Chunk]:
        """The chunks of the file, opened."""
        return chunks(self.adapt(found.records), self.labels, casefold=self.casefold)


@contextmanager
def ready_chunks(found: OpenFile, how: Reading, advance: Advance) -> Iterator[Iterator[Chunk]]:
    """The chunks of a file that was found to be of some format, in order.

    A small file is read in this process, and so is any where there is one processor. `advance` is
    told the bytes that another process reads. Raises InvalidInputError on the way as reading does,
    and GoldloopError when that process is killed.
    """
    name = found.format.NAME
    alone = (os.cpu_count() or 1) < 2 or multiprocessing.current_process().daemon
    if alone or found.size < WORTH_IT or BY_NAME.get(name) is not found.format:
        yield how.chunks(found)
        return
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(its, name, how), name="reader", daemon=True)
    process.start()
    its.close()  # so that the end of the process is the end of what it sends
    try:
        yield _received(ours, how.file, advance)
    finally:
        process.terminate()
        process.join()
        ours.close()


def _received(connection: Connection, file: Path, advance: Advance) -> Iterator[Chunk]:
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):  # it ended between two messages, or in the midst of one
            raise GoldloopError(f"{file}: the process that read it was ended") from None
        sent = pickle.loads(message)  # noqa: S301  # our own process's
        if sent is None:
            return
        if isinstance(sent, InvalidInputError):
            raise sent
        columns, refused, count = sent
        advance(count)
        yield Chunk(list(map(ReadyDocument._make, zip(*columns, strict=True))), refused)


def _read(connection: Connection, format_name: str, how: Reading) -> None:
    """What the process does: sends each chunk, and how many bytes were read for it; then None.

    The pipe is full with less than a chunk: no more than two are ever ahead.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    gc.disable()  # records have no cycles
    count = 0

    def advance(more: int) -> None:
        nonlocal count
        count += more

    def send(what: object) -> None:
        connection.send_bytes(pickle.dumps(what, pickle.HIGHEST_PROTOCOL))

    try:
        with open_records(how.file, BY_NAME[format_name], how.options, advance) as found:
            for chunk in how.chunks(found):
                # columns of plain values: half of the work that rows are
                send((list(zip(*chunk.ready, strict=True)), chunk.refused, count))
                count = 0
        send(None)
    except InvalidInputError as error:
        send(InvalidInputError(str(error)))
    except BrokenPipeError:
        pass  # the parent is gone
