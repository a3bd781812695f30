"""Vectors of documents, in `.npy` files beside the version in the model store.

    STORE/PROJECT_KEY/vectors/VERSION/NAME-vectors.npy      (documents, d) float16
    STORE/PROJECT_KEY/vectors/VERSION/NAME-gradients.npy    (documents, g) float16

One pair for each prediction job, written once; the database knows which row is whose.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.messages import JobFolder

VECTORS, GRADIENTS = "vectors", "gradients"


def keep_vectors(job: JobFolder, folder: Path, name: str) -> None:
    """Copy a finished job's arrays into the version's folder, each in one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, made in ((VECTORS, job.vectors), (GRADIENTS, job.gradients)):
        if made.exists():
            temporary = folder / f".{name}-{kind}.{os.getpid()}"
            shutil.copyfile(made, temporary)
            temporary.replace(_file(folder, name, kind))


def gather(
    folder: Path, kind: str, arrays: Sequence[str | None], rows: Sequence[int]
) -> NDArray[np.float32] | None:
    """The vectors in these rows of the arrays of these names: (n, d).

    None where one is lacking, or none was asked for.
    """
    names = dict.fromkeys(arrays)
    files = {name: _file(folder, name, kind) for name in names if name is not None}
    if not arrays or None in names or not all(file.exists() for file in files.values()):
        return None
    place_of = {name: place for place, name in enumerate(files)}
    which = np.array([place_of[name] for name in arrays if name is not None])
    row = np.asarray(rows)
    found: NDArray[np.float32] | None = None
    for name, file in files.items():
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        if found is None:
            found = np.empty((len(rows), array.shape[1]), dtype=np.float32)
        its = which == place_of[name]
        found[its] = array[row[its]]
    return found


def drop_vectors(folder: Path) -> None:
    """Remove the vectors of a version, if it has any."""
    shutil.rmtree(folder, ignore_errors=True)


def _file(folder: Path, name: str, kind: str) -> Path:
    return folder / f"{name}-{kind}.npy"
