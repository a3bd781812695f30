"""A file of word vectors in one of the formats that others publish, plain or gzip.

word2vec's text and binary forms and fastText's .vec begin with how many vectors of how many
numbers there are; GloVe's begins with its first word. gensim reads them all.
"""

from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from ml_backend.tagger.word_vectors import WordVectors


class VectorsError(Exception):
    """A file that cannot be read or holds no word vectors; names the file."""

    def __init__(self, path: Path, reason: str):
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


def read_vectors(path: Path, most: int) -> WordVectors:
    """The file's first `most` words, in most files the most frequent ones. Raises VectorsError."""
    try:
        state = path.stat()
        return _read(path, most, (state.st_mtime_ns, state.st_size))
    except (OSError, EOFError, ValueError, IndexError, MemoryError) as error:
        raise VectorsError(path, f"cannot be read as word vectors: {error}") from error


@lru_cache(maxsize=1)  # each fold asks for the same
def _read(path: Path, most: int, _state: tuple[int, int]) -> WordVectors:
    # slow to import, and only wanted here
    from gensim.models import KeyedVectors  # noqa: PLC0415

    headed, binary = _form(path)
    found = KeyedVectors.load_word2vec_format(
        str(path), binary=binary, no_header=not headed, limit=most, unicode_errors="replace"
    )
    if not np.isfinite(found.vectors).all():
        raise ValueError("some of its numbers are none")
    return WordVectors.of(found.index_to_key, found.vectors)


def _form(path: Path) -> tuple[bool, bool]:
    """Whether the file begins with its sizes, and whether its numbers are binary."""
    from gensim.utils import open as opened  # noqa: PLC0415

    with opened(str(path), "rb") as file:
        lines = list(islice(file, 2))
    if len(lines) < 2:
        raise ValueError("it has no two lines")
    first, second = lines
    headed = len(first.split()) == 2
    return headed, headed and not _is_text(second, int(first.split()[1]))


def _is_text(line: bytes, size: int) -> bool:
    """Whether a line is a word and so many written numbers."""
    try:
        return len([float(number) for number in line.split()[-size:]]) == size
    except ValueError:
        return False
