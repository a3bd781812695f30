"""Processes that sketch texts while their parent compares and writes."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from backend.workflow.duplicates.near_sketch import Similarity, Sketches, joined, sketch

SLICE = 5000  # texts a call
WORTH_IT = 20_000  # texts: below, starting processes takes longer than they save

Sketching = Callable[[], Sketches]  # waits for the result


@contextmanager
def sketchers(
    similarity: Similarity, expected: int
) -> Iterator[Callable[[Sequence[str]], Sketching]]:
    """A function that begins to sketch texts and returns one that waits for the sketches.

    With few texts expected, or one processor, all is done in this process when it is waited for.
    """
    processors = os.cpu_count() or 1
    if expected < WORTH_IT or processors < 2:
        yield lambda texts: lambda: sketch(texts, similarity)
        return
    with ProcessPoolExecutor(
        processors, multiprocessing.get_context("spawn"), initializer=_leave_interrupts_to_parent
    ) as pool:

        def begin(texts: Sequence[str]) -> Sketching:
            slices = range(0, len(texts), SLICE)
            begun = [
                (first, pool.submit(sketch, texts[first : first + SLICE], similarity))
                for first in slices
            ]
            return lambda: joined([(first, one.result()) for first, one in begun], similarity)

        try:
            yield begin
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
