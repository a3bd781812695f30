"""Documents read, checked and keyed by a process of their own (reader.py) while its parent writes.

Reading takes as long as writing: a large file is imported in little more than half the time.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backend.errors import GoldloopError, InvalidInputError
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.reading import OpenFile
from backend.workflow.formats.registry import BY_NAME
from backend.workflow.formats.source import Advance, ReadOptions
from backend.workflow.imports.ready_documents import Chunk, ReadyDocument, chunks
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
    alone = found.size < WORTH_IT or (os.cpu_count() or 1) < 2
    if alone or BY_NAME.get(name) is not found.format:
        yield how.chunks(found)
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.loop.reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError), process.stdin as its:  # what it died of is told below
            pickle.dump((name, how), its)
        yield _received(process.stdout, how.file, advance)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _received(sent: IO[bytes], file: Path, advance: Advance) -> Iterator[Chunk]:
    while True:
        try:
            message = pickle.load(sent)  # noqa: S301  # our own process's
        except (EOFError, pickle.UnpicklingError):  # it ended, perhaps in the midst of a message
            raise GoldloopError(f"{file}: the process that read it was ended") from None
        if message is None:
            return
        if isinstance(message, InvalidInputError):
            raise message
        columns, refused, count = message
        advance(count)
        yield Chunk(list(map(ReadyDocument._make, zip(*columns, strict=True))), refused)
