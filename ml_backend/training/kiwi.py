"""Korean word vectors of Kiwi, a morphological analyser whose language model has one of each
morpheme.

Kiwi tells the cosine of any two, not the vectors. The cosines with some hundreds of them, spread
over all, determine the vectors up to a rotation (landmark multidimensional scaling, de Silva and
Tenenbaum 2004). It comes as a package of its own, and its model with it (Apache 2.0); nothing of it
is part of this project.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ml_backend.contract.model_store import write_atomically
from ml_backend.tagger.surfaces import LONGEST, Floats
from ml_backend.training.dictionaries import DictionaryError

SIZE = 128  # of a vector, which keeps most of what tells the 256 dimensions' words apart
LANDMARKS = 320  # more than there are dimensions
_EVERY = 10_000_000  # morphemes: all
_FLAT = 1e-5  # of the largest eigenvalue: what is smaller is rounding


def write_vectors(path: Path, *, watch: Callable[[int], None] = lambda done: None) -> int:
    """Write Kiwi's words with their vectors as a file of word2vec's text form; how many words.

    `watch` is told how many of LANDMARKS are done. Raises DictionaryError and OSError.
    """
    kiwi = _kiwi()
    path.parent.mkdir(parents=True, exist_ok=True)  # it should not fail when all is done
    words, vectors = _words_and_vectors(kiwi, watch)
    lines = [f"{len(words)} {vectors.shape[1]}"]
    for word, vector in zip(words, vectors, strict=True):
        lines.append(f"{word} {' '.join(f'{number:.4f}' for number in vector)}")
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return len(words)


def _kiwi() -> Any:
    try:
        from kiwipiepy import Kiwi  # noqa: PLC0415 (an extra package)
    except ModuleNotFoundError:
        raise DictionaryError("kiwipiepy", "the analyser kiwipiepy is not installed") from None
    kiwi = Kiwi()
    if not hasattr(kiwi, "most_similar_morphemes"):
        reason = "this kiwipiepy is of before 0.21 and has no vectors"
        raise DictionaryError("--upgrade kiwipiepy", reason)
    return kiwi


def _words_and_vectors(kiwi: Any, watch: Callable[[int], None]) -> tuple[list[str], Floats]:
    known = {one.id for one in kiwi.most_similar_morphemes("사랑", top_n=_EVERY)}
    numbers = sorted(known)
    row = {number: place for place, number in enumerate(numbers)}
    chosen = np.random.default_rng(0).choice(len(numbers), LANDMARKS, replace=False)
    cosines = np.zeros((len(numbers), LANDMARKS), np.float32)
    for column, landmark in enumerate(chosen):
        for one in kiwi.most_similar_morphemes(numbers[landmark], top_n=_EVERY):
            cosines[row[one.id], column] = one.score
        cosines[landmark, column] = 1.0  # with itself, which Kiwi leaves out
        watch(column + 1)
    vectors = principal(from_cosines(cosines, cosines[chosen]), SIZE)
    first: dict[str, int] = {}  # morphemes of one form: the one that Kiwi numbers first
    for place, number in enumerate(numbers):
        form = kiwi.morpheme(number).form
        if 0 < len(form) <= LONGEST and not any(map(str.isspace, form)):
            first.setdefault(form, place)
    return list(first), vectors[list(first.values())]


def from_cosines(cosines: Floats, among: Floats) -> Floats:
    """Unit vectors, (words, dimensions), by their cosines with the landmarks, (words, landmarks),
    and the landmarks' with each other, (landmarks, landmarks)."""
    values, axes = np.linalg.eigh((among + among.T).astype(np.float64) / 2)
    told = values > values[-1] * _FLAT
    found: Floats = (cosines @ (axes[:, told] / np.sqrt(values[told]))).astype(np.float32)
    return found


def principal(vectors: Floats, size: int) -> Floats:
    """The first principal components, (words, size), of vectors, (words, dimensions)."""
    centred = vectors - vectors.mean(0)
    _, axes = np.linalg.eigh(np.cov(centred.T))
    found: Floats = centred @ axes[:, ::-1][:, :size].astype(np.float32)
    return found
