import threading
import tracemalloc
from pathlib import Path

import pytest
import torch

from backend.sample.generate import generate
from ml_backend.contract.model_store import ModelStore
from ml_backend.tagger.predict import Tagger, TextPrediction
from ml_backend.tagger.windows import WINDOW


@pytest.fixture(scope="module")
def tagger(tiny_model_store: ModelStore) -> Tagger:
    return Tagger.load(tiny_model_store.version_folder("tiny", "v1"))


def sample(documents: int) -> list[str]:
    return [document.text for document in generate(documents, seed=9)]


def close(left: TextPrediction, right: TextPrediction) -> bool:
    """The same entities; probabilities equal but for the order of sums in another batch."""
    same = left.entities == right.entities
    return same and left.confidence == pytest.approx(right.confidence, abs=1e-4)


def test_n_texts_in_n_results_out_in_order_with_empty_ones(tagger: Tagger) -> None:
    texts = sample(40)
    mixed = ["", *texts[:20], "", " ", *texts[20:], "\n", ""]
    found = tagger.predict(mixed)
    assert len(found) == len(mixed)
    for text, prediction in zip(mixed, found, strict=True):
        assert close(prediction, tagger.predict([text])[0])
    assert found[0] == TextPrediction([], 1.0)
    assert any(prediction.entities for prediction in found)
    assert tagger.predict([]) == []


def test_entities_lie_apart_in_the_text_with_probabilities(tagger: Tagger) -> None:
    texts = sample(100)
    for text, prediction in zip(texts, tagger.predict(texts), strict=True):
        assert 0.0 <= prediction.confidence <= 1.0
        end = 0
        for entity in prediction.entities:
            assert end <= entity.start < entity.end <= len(text)
            assert entity.label in tagger.labels
            assert entity.probability is not None
            # the whole reading can be no more probable than one of its entities
            assert prediction.confidence - 1e-6 <= entity.probability <= 1.0
            end = entity.end


def test_a_text_of_100_000_characters_is_read_to_its_end(tagger: Tagger) -> None:
    line = next(text for text in sample(50) if tagger.predict([text])[0].entities) + "\n"
    text = line * (100_000 // len(line) + 1)
    tracemalloc.start()
    (prediction,) = tagger.predict([text])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000
    starts = [entity.start for entity in prediction.entities]
    assert starts == sorted(set(starts))
    assert starts[-1] > len(text) - 2 * len(line)
    # the borders of windows leave no hole: every line has its entities
    per_line = {start // len(line) for start in starts}
    assert per_line == set(range(len(text) // len(line)))


def test_windows_agree_with_a_reading_in_one_piece(tagger: Tagger) -> None:
    text = ""
    for piece in sample(60):
        text += piece + "\n"
    assert len(text) > 3 * WINDOW
    whole = tagger._model.decode(tagger._reader.read([text]))[0]
    (prediction,) = tagger.predict([text])
    agreed = set(prediction.entities) & set(whole.entities)
    assert len(agreed) >= 0.97 * max(len(whole.entities), len(prediction.entities))


@pytest.mark.parametrize(
    "text", ["\ud800", "\x00", "👩‍🔬" * 300, "가" * 10_000, "\u200b", " " * 700]
)
def test_odd_texts_are_read(tagger: Tagger, text: str) -> None:
    (prediction,) = tagger.predict([text])
    assert all(entity.end <= len(text) for entity in prediction.entities)


def test_threads_may_share_a_tagger(tagger: Tagger) -> None:
    texts = sample(60)
    expected = tagger.predict(texts)
    results: list[list[TextPrediction]] = []
    threads = [
        threading.Thread(target=lambda: results.append(tagger.predict(texts))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_prediction_leaves_no_gradients_and_no_training_mode(tiny_model_store: ModelStore) -> None:
    tagger = Tagger.load(tiny_model_store.version_folder("tiny", "v1"))
    tagger.predict(sample(5))
    assert not tagger._model.training
    assert not any(parameter.requires_grad for parameter in tagger._model.parameters())
    assert torch.is_grad_enabled()


def test_the_labels_are_those_it_was_trained_with(tagger: Tagger, general_labels: object) -> None:
    assert tagger.labels == general_labels


def test_a_folder_is_loaded_by_name(tiny_model_store: ModelStore, tmp_path: Path) -> None:
    # from anywhere: nothing in a version's folder refers to where it was made
    copy = tmp_path / "elsewhere"
    source = tiny_model_store.version_folder("tiny", "v1")
    copy.mkdir()
    for file in source.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    texts = sample(10)
    assert Tagger.load(copy).predict(texts) == Tagger.load(source).predict(texts)
