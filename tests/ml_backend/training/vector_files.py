"""The same word vectors in the formats that others publish."""

import gzip
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

Table = Mapping[str, Sequence[float]]


def text(path: Path, table: Table, *, header: bool = True) -> Path:
    """word2vec's text form and fastText's; without the header GloVe's."""
    size = len(next(iter(table.values())))
    lines = [f"{len(table)} {size}"] if header else []
    lines += [f"{word} {' '.join(map(str, numbers))}" for word, numbers in table.items()]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def binary(path: Path, table: Table) -> Path:
    """word2vec's binary form."""
    size = len(next(iter(table.values())))
    rows = [
        f"{word} ".encode() + struct.pack(f"<{size}f", *numbers) for word, numbers in table.items()
    ]
    path.write_bytes(f"{len(table)} {size}\n".encode() + b"".join(rows))
    return path
