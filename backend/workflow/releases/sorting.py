"""Lines in the order of their bytes, however many: sorted runs on disk, merged at the end.

The order is the same on every machine and needs no database's collation: a line begins with its
document's id, which no other has.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

RUN = 8 * 2**20  # bytes of lines in memory: what a processor keeps near
BATCH = 500  # lines that are written together
BLOCK = 32 * 2**10  # bytes of lines that are read of a run at a time
_BETWEEN = b"\0"  # JSON escapes it


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file holds; the hash is hexadecimal."""

    sha256: str
    size: int  # bytes
    lines: int

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"sha256": self.sha256, "bytes": self.size, "lines": self.lines}


class HashedFile:
    """A new file that is hashed while it is written."""

    def __init__(self, path: Path):
        self._file = path.open("xb")
        self._hash = hashlib.sha256()
        self._size = self._lines = 0

    def write(self, lines: Sequence[bytes]) -> None:
        """Add lines; none has its newline yet."""
        block = b"\n".join((*lines, b""))
        self._file.write(block)
        self._hash.update(block)
        self._size += len(block)
        self._lines += len(lines)

    def close(self) -> FileFacts:
        """Finish the file and say what it holds."""
        self._file.close()
        return FileFacts(self._hash.hexdigest(), self._size, self._lines)


class SortedPairs:
    """Pairs of lines, sorted by the first of each and written to two files side by side.

    What comes in order is written at once. What does not goes to runs, which are merged at the end.
    """

    def __init__(self, first: Path, second: Path):
        self._paths = first, second
        self._files = HashedFile(first), HashedFile(second)
        self._pairs: list[tuple[bytes, bytes]] = []
        self._size = 0  # bytes in memory
        self._runs: list[Path] = []
        self._last = b""  # line of the first file

    def add(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Take pairs, whose lines have no newline; what comes in order is written while it is in
        the cache, the rest is kept until it is a run.
        """
        taken = list(pairs)
        self._pairs += taken
        if self._runs or not self._write_in_order():
            self._size += sum(map(len, chain.from_iterable(taken)))
            if self._size > RUN:
                self.spill()

    def spill(self) -> None:
        """Write what is in memory."""
        if not self._pairs or (not self._runs and self._write_in_order()):
            return
        if not self._runs and self._last:
            self._take_back()
        with self._new_run().open("xb") as file:
            file.writelines([b"%b\0%b\n" % pair for pair in sorted(self._pairs)])
        self._pairs, self._size = [], 0

    def finish(self) -> tuple[FileFacts, FileFacts]:
        """Bring all pairs in order; what the two files hold."""
        self.spill()
        with ExitStack() as stack:
            for some in merged([stack.enter_context(path.open("rb")) for path in self._runs]):
                self._write([pair[:-1].split(_BETWEEN) for pair in some])
        for path in self._runs:
            path.unlink()
        return self._files[0].close(), self._files[1].close()

    def _write_in_order(self) -> bool:
        """Write what is in memory if it goes behind all that is written; whether it does."""
        self._pairs.sort()
        if self._pairs and self._pairs[0][0] <= self._last:
            return False
        if self._pairs:
            self._last = self._pairs[-1][0]
            self._write(self._pairs)
            self._pairs, self._size = [], 0
        return True

    def _write(self, pairs: Sequence[Sequence[bytes]]) -> None:
        for start in range(0, len(pairs), BATCH):
            lines, others = zip(*pairs[start : start + BATCH], strict=True)
            self._files[0].write(lines)
            self._files[1].write(others)

    def _take_back(self) -> None:
        """Make what was written the first run."""
        for file in self._files:
            file.close()
        first, second = self._paths
        run = self._new_run()
        with first.open("rb") as lines, second.open("rb") as others, run.open("xb") as taken:
            pairs = zip(lines, others, strict=True)
            taken.writelines(line[:-1] + _BETWEEN + other for line, other in pairs)
        first.unlink()
        second.unlink()
        self._files = HashedFile(first), HashedFile(second)

    def _new_run(self) -> Path:
        path = self._paths[0].with_name(f".{self._paths[0].name}.run-{len(self._runs)}")
        self._runs.append(path)
        return path


def merged(runs: Sequence[BinaryIO], block: int = BLOCK) -> Iterator[list[bytes]]:
    """The lines of sorted files in order, in lists.

    A block of each is read; up to the least of their last lines all that there is lies in them.
    To sort such a list, which is a few sorted pieces, takes a fifth of a heap's time.
    """
    held = [(run, run.readlines(block)) for run in runs]
    while held := [(run, lines or run.readlines(block)) for run, lines in held]:
        held = [(run, lines) for run, lines in held if lines]
        if not held:
            return
        border = min(lines[-1] for _, lines in held)
        cuts = [bisect_right(lines, border) for _, lines in held]
        yield sorted(
            chain.from_iterable(lines[:cut] for (_, lines), cut in zip(held, cuts, strict=True))
        )
        held = [(run, lines[cut:]) for (run, lines), cut in zip(held, cuts, strict=True)]
