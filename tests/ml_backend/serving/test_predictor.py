import threading
import time

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.serving.predictor import SMALLEST_CHUNK, TURN, Predictor
from ml_backend.tagger.predict import TextPrediction


class LengthTagger:
    """Says how long a text is, in `end`; fails on a text that says so."""

    def __init__(self, seconds=0.0):
        self.seconds, self.calls, self.threads = seconds, [], set()

    def predict(self, texts):
        self.calls.append(list(texts))
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        if any("poison" in text for text in texts):
            raise RuntimeError("poisoned")
        return [TextPrediction([Entity(0, len(text), "L")], 1.0) for text in texts]


@pytest.fixture
def predictor():
    predictor = Predictor()
    yield predictor
    predictor.close()


def ends(predictions):
    return [p.entities[0].end if p else None for p in predictions]


def test_results_come_in_the_order_of_the_texts(predictor):
    texts = ["가" * (1 + index * 37 % 101) for index in range(1000)]
    assert ends(predictor.predict(LengthTagger(), texts)) == [len(text) for text in texts]


def test_chunks_of_a_slow_tagger_are_short_and_hold_texts_of_like_length(predictor):
    tagger = LengthTagger(seconds=TURN)
    texts = ["가" * (1 + index * 37 % 500) for index in range(500)]
    predictor.predict(tagger, [*texts, "나" * 90_000])
    sizes = [sum(map(len, call)) for call in tagger.calls]
    assert all(size <= SMALLEST_CHUNK for size in sizes[:-1])
    assert sizes[-1] == 90_000
    lengths = [len(text) for call in tagger.calls for text in call]
    assert lengths == sorted(lengths)


def test_chunks_of_a_fast_tagger_grow(predictor):
    tagger = LengthTagger(seconds=0.01)
    predictor.predict(tagger, ["가" * 100] * 20_000)
    sizes = [sum(map(len, call)) for call in tagger.calls]
    assert sizes[0] <= SMALLEST_CHUNK
    assert max(sizes) > 10 * SMALLEST_CHUNK


def test_a_text_on_which_the_tagger_fails_costs_only_its_own_result(predictor):
    found = predictor.predict(LengthTagger(), ["aa", "poison", "bbb"])
    assert ends(found) == [2, None, 3]


def test_one_text_is_answered_between_two_chunks_of_many(predictor):
    tagger = LengthTagger(seconds=TURN / 2)
    many = threading.Thread(target=predictor.predict, args=(tagger, ["x" * 1000] * 200))
    many.start()
    time.sleep(0.1)
    began = time.monotonic()
    predictor.predict(tagger, ["one"])
    waited = time.monotonic() - began
    assert many.is_alive()
    assert waited < 2 * TURN
    many.join()


def test_every_prediction_is_made_in_one_thread(predictor):
    tagger = LengthTagger()
    clients = [
        threading.Thread(target=predictor.predict, args=(tagger, ["a"] * 10)) for _ in range(16)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(tagger.threads) == 1


def test_nothing_in_nothing_out(predictor):
    assert predictor.predict(LengthTagger(), []) == []
