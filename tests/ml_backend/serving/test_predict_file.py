import threading
import time

import numpy as np
import pytest

from backend.sample.generate import generate
from ml_backend.contract.messages import (
    PREDICT_FILE_JOB,
    JobFolder,
    PredictRequest,
    read_jsonl,
    write_jsonl,
)
from ml_backend.serving import predict_file as module
from ml_backend.serving.predict_file import InputError, predict_file
from ml_backend.tagger.checkpoint import CheckpointError


@pytest.fixture
def job(tmp_path, news):
    job = JobFolder(tmp_path / "job")
    job.path.mkdir()
    job.write_request(PredictRequest("news", news.version, str(news.store.root)))
    return job


def give(job, texts):
    write_jsonl(job.input, ({"id": n, "text": text} for n, text in enumerate(texts)))


def test_the_job_is_found_under_its_dotted_name():
    assert f"{predict_file.__module__}.{predict_file.__qualname__}" == PREDICT_FILE_JOB


def test_output_is_the_taggers_and_in_order(job, news):
    texts = [document.text for document in generate(700, seed=4)]
    texts[3:3] = ["", "x" * 3000, "두 줄\n그리고\u2028셋"]
    give(job, texts)
    predict_file(str(job.path))
    lines = list(read_jsonl(job.output))
    assert [line["id"] for line in lines] == list(range(len(texts)))
    for line, expected in zip(lines, news.tagger.predict(texts), strict=True):
        assert [(e["start"], e["end"], e["label"]) for e in line["entities"]] == [
            entity.key for entity in expected.entities
        ]
        assert line["confidence"] == pytest.approx(expected.confidence, abs=1e-3)
    result = job.result()
    assert result.state == "done"
    assert result.figures["documents"] == len(texts)
    assert result.figures["version"] == news.version
    progress = job.progress()
    assert (progress.done, progress.total, progress.stage) == (len(texts), len(texts), "predicting")


@pytest.mark.parametrize("passes", [0, 3])
def test_scores_vectors_and_runners_up_come_in_the_order_of_the_output(job, news, passes):
    texts = [document.text for document in generate(30, seed=4)]
    texts[3:3] = ["", "x" * 700]
    give(job, texts)
    request = PredictRequest("news", news.version, str(news.store.root), True, passes)
    job.write_request(request)
    predict_file(str(job.path))
    assert job.result().state == "done"
    lines = list(read_jsonl(job.output))
    vectors, gradients = np.load(job.vectors), np.load(job.gradients)
    assert (vectors.dtype, gradients.dtype) == (np.float16, np.float16)
    assert vectors.shape == (len(texts), 32)
    assert gradients.shape == (len(texts), 256)
    expected = news.tagger.score(texts, dropout_passes=passes)
    for line, vector, gradient, (prediction, scores) in zip(
        lines, vectors, gradients, expected, strict=True
    ):
        assert [e["start"] for e in line["entities"]] == [e.start for e in prediction.entities]
        for entity, runner_up in zip(line["entities"], scores.runners_up, strict=True):
            label = entity["runner_up"] and entity["runner_up"]["label"]
            assert label == (runner_up and runner_up.label)
        assert line["scores"]["mean_entropy"] == pytest.approx(scores.mean_entropy, abs=1e-4)
        assert (line["scores"]["disagreement"] is None) == (passes == 0)
        assert np.allclose(vector, scores.vector, atol=2e-3, rtol=2e-3)
        assert np.allclose(gradient, scores.gradient, atol=2e-2, rtol=2e-2)
    assert not list(job.path.glob(".*"))


def test_scores_of_no_documents_are_empty_arrays(job, news):
    give(job, [])
    job.write_request(PredictRequest("news", news.version, str(news.store.root), True))
    predict_file(str(job.path))
    assert len(np.load(job.vectors)) == len(np.load(job.gradients)) == 0


def test_a_failed_job_leaves_no_arrays(job, news):
    write_jsonl(job.input, [{"id": n, "text": "가"} for n in range(3000)] + [{"id": 1}])
    job.write_request(PredictRequest("news", news.version, str(news.store.root), True))
    with pytest.raises(InputError):
        predict_file(str(job.path))
    assert not list(job.path.glob("*.npy*")) + list(job.path.glob(".*"))


@pytest.mark.parametrize("fields", [{"dropout_passes": 2}, {"scores": True, "dropout_passes": -1}])
def test_passes_need_scores(fields):
    with pytest.raises(ValueError, match="dropout passes"):
        PredictRequest("news", "v1", "store", **fields)


def test_an_empty_input_has_an_empty_output(job):
    give(job, [])
    predict_file(str(job.path))
    assert list(read_jsonl(job.output)) == []
    assert job.result().state == "done"


def test_a_job_that_has_ended_is_left_alone(job, news):
    give(job, news.texts)
    predict_file(str(job.path))
    before = job.output.stat().st_mtime_ns
    predict_file(str(job.path))
    assert job.output.stat().st_mtime_ns == before


def test_a_job_that_was_broken_off_begins_anew_and_its_beat_goes_on(job, news):
    give(job, news.texts)
    half = job.path / f".{job.output.name}.12345"
    half.write_text('{"id": 0')
    job.write_progress(module.Progress(41, "predicting", 1, 12))
    predict_file(str(job.path))
    assert job.result().state == "done"
    assert job.progress().beat > 41
    assert not half.exists()


def test_cancel_before_the_start_predicts_nothing(job, news):
    give(job, news.texts)
    job.ask_to_cancel()
    predict_file(str(job.path))
    assert job.result().state == "cancelled"
    assert not job.output.exists()


def test_cancel_in_the_middle_leaves_no_output(job):
    give(job, ["서울에서 만난 사람들 " * 20] * 20_000)
    worker = threading.Thread(target=predict_file, args=(str(job.path),))
    worker.start()
    deadline = time.monotonic() + 60
    while not ((seen := job.progress()) and seen.done):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    job.ask_to_cancel()
    worker.join(30)
    assert job.result().state == "cancelled"
    assert 0 < job.progress().done < 20_000
    assert sorted(path.name for path in job.path.iterdir()) == [
        "cancel",
        "input.jsonl",
        "progress.json",
        "request.json",
        "result.json",
    ]


def test_the_beat_rises_while_the_job_is_alive(job):
    give(job, ["서울에서 만난 사람들 " * 20] * 20_000)
    worker = threading.Thread(target=predict_file, args=(str(job.path),))
    worker.start()
    beats = []
    for _ in range(8):
        time.sleep(0.5)
        beats.append(job.progress().beat)
    job.ask_to_cancel()
    worker.join(30)
    assert beats[-1] - beats[0] >= 3
    assert beats == sorted(beats)


@pytest.mark.parametrize("record", [{"id": 1}, {"text": "가"}, {"id": 1, "text": 5}, []])
def test_a_bad_line_fails_with_its_number(job, record):
    write_jsonl(job.input, [{"id": 0, "text": "가"}, record])
    with pytest.raises(InputError, match="line 2"):
        predict_file(str(job.path))
    result = job.result()
    assert result.state == "failed"
    assert "line 2" in result.reason
    assert not job.output.exists()


def test_a_version_that_is_not_there_fails_with_a_reason(job, news):
    give(job, news.texts)
    job.write_request(PredictRequest("news", "v9", str(news.store.root)))
    with pytest.raises(CheckpointError):
        predict_file(str(job.path))
    assert "v9" in job.result().reason


def test_the_tagger_is_kept_for_the_next_job(tmp_path, news):
    before = module._tagger.cache_info()
    for name in ("one", "two"):
        job = JobFolder(tmp_path / name)
        job.path.mkdir()
        job.write_request(PredictRequest("news", news.version, str(news.store.root)))
        give(job, news.texts)
        predict_file(str(job.path))
    after = module._tagger.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
