"""Word vectors of Kiwi itself, which the tests install."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from gensim.models import KeyedVectors
from kiwipiepy import Kiwi

from ml_backend.cli.tagger import tagger
from ml_backend.training.kiwi import SIZE, from_cosines, principal
from ml_backend.training.vectors import read_vectors


def test_kiwis_vectors_become_a_file_for_training(tmp_path: Path) -> None:
    out = tmp_path / "made" / "kiwi.vec"
    done = CliRunner().invoke(tagger, ["vectors", "kiwi", "--out", str(out)])
    assert done.exit_code == 0, done.output
    read = KeyedVectors.load_word2vec_format(str(out))
    assert f"{len(read.index_to_key)} words" in done.output
    assert len(read.index_to_key) > 30_000
    assert read.vector_size == SIZE == read_vectors(out, 200_000).size
    # near in Kiwi is near here, though their mean and half of the dimensions are gone
    for word, near, far in [("서울", "부산", "반도체"), ("박지성", "손흥민", "대통령")]:
        assert read.similarity(word, near) > read.similarity(word, far) + 0.2
    kiwi = Kiwi()
    ours, theirs = [], []
    for one in kiwi.most_similar_morphemes(("서울", "NNP"), top_n=10**7):
        if one.tag == "NNP" and one.form in read and len(one.form) > 1 and one.score > -1:
            ours.append(read.similarity("서울", one.form))
            theirs.append(one.score)
    assert len(ours) > 1000
    assert np.corrcoef(ours, theirs)[0, 1] > 0.5


def test_cosines_determine_the_vectors_up_to_a_rotation() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(200, 9)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    landmarks = vectors[random.choice(200, 30, replace=False)]
    found = from_cosines(vectors @ landmarks.T, landmarks @ landmarks.T)
    assert found.shape == (200, 9)
    np.testing.assert_allclose(found @ found.T, vectors @ vectors.T, atol=1e-4)


def test_principal_components_come_in_their_order_and_keep_distances() -> None:
    random = np.random.default_rng(4)
    vectors = (random.normal(size=(300, 4)) * [1, 5, 0.01, 2] + 7).astype(np.float32)
    found = principal(vectors, 3)
    assert found.shape == (300, 3)
    np.testing.assert_allclose(found.std(0), [5, 2, 1], rtol=0.15)
    apart = np.linalg.norm(vectors[:50, None] - vectors[None, :50], axis=2)
    ours = np.linalg.norm(found[:50, None] - found[None, :50], axis=2)
    np.testing.assert_allclose(ours, apart, atol=0.01)


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        (lambda patch: patch.setitem(sys.modules, "kiwipiepy", None), "pip install kiwipiepy"),
        (lambda patch: patch.setattr("kiwipiepy.Kiwi", object), "of before 0.21"),
    ],
)
def test_without_vectors_it_is_said_how_to_get_them(
    replaced: Callable[[pytest.MonkeyPatch], Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replaced(monkeypatch)
    out = tmp_path / "kiwi.vec"
    done = CliRunner().invoke(tagger, ["vectors", "kiwi", "--out", str(out)])
    assert done.exit_code == 1
    assert said in done.output
    assert not out.exists()


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "kiwi.vec"
    done = CliRunner().invoke(tagger, ["vectors", "kiwi", "--out", str(out)])
    assert done.exit_code == 1
    assert str(out) in done.output
