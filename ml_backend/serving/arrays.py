"""The arrays of a prediction with scores: a row a document, written as they come."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.messages import JobFolder

if TYPE_CHECKING:
    from ml_backend.tagger.scores import TextScores

_LIMIT = float(np.finfo(np.float16).max)


class Arrays:
    """`vectors.npy` and `gradients.npy` of a job, there once so many documents were added."""

    def __init__(self, job: JobFolder, documents: int):
        self._paths, self._documents = (job.vectors, job.gradients), documents
        self._files: list[BinaryIO] = []
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def add(self, scores: Sequence["TextScores"]) -> None:
        """Write the next documents' rows."""
        self._write([one.vector for one in scores], [one.gradient for one in scores])

    def _write(self, *arrays: Sequence[NDArray[np.float32]]) -> None:
        every = [np.stack(rows).clip(-_LIMIT, _LIMIT).astype("<f2") for rows in arrays]
        if not self._files:
            self._files = [self._new(*pair) for pair in zip(self._paths, every, strict=True)]
        for file, rows in zip(self._files, every, strict=True):
            file.write(rows.tobytes())

    def _new(self, path: Path, rows: NDArray[Any]) -> BinaryIO:
        file = self._closing.enter_context(_temporary(path).open("wb"))
        header = {"descr": "<f2", "fortran_order": False, "shape": (self._documents, rows.shape[1])}
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
        return file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and not self._files:
            self._files = [self._new(path, np.zeros((0, 0))) for path in self._paths]
        self._closing.close()
        if error is None:
            for path in self._paths:
                _temporary(path).replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
