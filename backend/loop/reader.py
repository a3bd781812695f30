"""The process that reads a file for an import (reading_ahead.py): `python -m backend.loop.reader`.

It is told a format's name and a Reading, pickled, and answers with a message a chunk, and None at
the end. The pipe is full with less than a chunk: no more than two are ever ahead.
"""

import gc
import os
import pickle
import sys
from typing import BinaryIO

from backend.errors import InvalidInputError
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.registry import BY_NAME


def main(told: BinaryIO, answers: BinaryIO) -> None:
    """Send the chunks of a file, each with the bytes that were read for it, or what is wrong."""
    gc.disable()  # records have no cycles
    format_name, how = pickle.load(told)  # noqa: S301  # from our parent
    count = 0

    def advance(more: int) -> None:
        nonlocal count
        count += more

    def send(message: object) -> None:
        pickle.dump(message, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()

    try:
        with open_records(how.file, BY_NAME[format_name], how.options, advance) as found:
            for chunk in how.chunks(found):
                # columns of plain values: half of the work that rows are
                send((list(zip(*chunk.ready, strict=True)), chunk.refused, count))
                count = 0
        send(None)
    except InvalidInputError as error:
        send(InvalidInputError(str(error)))


if __name__ == "__main__":
    os.nice(5)  # annotators' requests come first
    try:
        main(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()  # nobody wants the rest
