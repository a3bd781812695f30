"""Files that hold a document as a block of lines, with a blank line between two."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

BLOCK_LINES = 200_000  # more is a file without blank lines, which no memory should have to hold


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand together and the number of the first; `cut` when they were too many."""

    line: int
    lines: list[str]
    cut: bool = False

    @property
    def raw(self) -> str:
        """As a refused document is written, to be mended and imported again."""
        return "\n".join(self.lines)


def blocks(
    lines: Iterable[tuple[int, str]],
    begins: Callable[[str, list[str]], bool] = lambda line, before: False,
) -> Iterator[Block]:
    """The blocks of a file's numbered lines.

    `begins(line, before)` says that a line opens a new document although no blank line stands
    between it and the lines `before` it.
    """
    first, held, cut = 1, list[str](), False
    for number, line in lines:
        blank = not line or line.isspace()
        full = len(held) >= BLOCK_LINES
        if held and (blank or full or begins(line, held)):
            cut = cut or full
            yield Block(first, held, cut)
            held = []
        if blank:
            cut = False
            continue
        if not held:
            first = number
        held.append(line)
    if held:
        yield Block(first, held, cut)
