"""A real Label Studio takes every labelling configuration and is given predictions for it."""

import time

import pytest

from backend.clients.label_studio import LabelStudio
from backend.sample.generate import generate
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config, to_regions
from ml_backend.contract.model_store import Champion, ModelStore

from .conftest import CONFIGS, PASSWORD, USER, save_version  # isort: skip

pytestmark = pytest.mark.real

NAMES = sorted(path.stem for path in CONFIGS.glob("*.xml"))
TEXT = "😀 김민수가 2026년 3월에 서울대학교병원에서 李明과 👩‍👩‍👧 진료를 받았다."


@pytest.fixture
def client(label_studio):
    return LabelStudio(label_studio.url, label_studio.api_key, timeout=60)


@pytest.fixture
def attached(client, start_ml_backend, tmp_path):
    """Makes Label Studio projects with the ML backend attached, each with a champion."""
    store = ModelStore(tmp_path / "models")
    running = start_ml_backend(store.root)

    def make(name, *, champion=True):
        config = (CONFIGS / f"{name}.xml").read_text("utf-8")
        key = name.replace("_", "-")
        if champion:
            save_version(store, key, "v1", parse_label_config(config).labels, seed=1)
            store.set_champion(key, Champion("v1", config))
            running.until(lambda: running.status(key)["loaded"] == "v1")
        project_id = client.create_project(f"configuration {name}", config)
        client.wiring.attach_ml_backend(
            project_id,
            title=f"goldloop {key} {project_id}",
            url=f"{running.url}/p/{key}",
            user=USER,
            password=PASSWORD,
        )
        return project_id, key, running, store

    return make


def opened(client, project_id):
    """The task that the label stream hands out, once its prediction is stored."""
    task = client.next_task(project_id)
    assert task is not None
    deadline = time.monotonic() + 20
    while not task["predictions"]:
        assert time.monotonic() < deadline, "Label Studio stored no prediction"
        time.sleep(0.2)
        task = client.task(task["id"])
    return task


def test_label_studio_takes_each_configuration_and_its_predictions(client, attached):
    for name in NAMES:
        project_id, _, _, _ = attached(name)
        control = parse_label_config(client.project(project_id)["label_config"])
        client.import_tasks(project_id, [{"data": {control.text_field: TEXT}}])
        (prediction,) = opened(client, project_id)["predictions"]
        assert prediction["model_version"] == "v1", name
        assert 0 <= prediction["score"] <= 1
        assert prediction["result"], name
        for region in prediction["result"]:
            value = region["value"]
            assert (region["from_name"], region["to_name"]) == (control.from_name, control.to_name)
            assert value["text"] == TEXT[value["start"] : value["end"]]
            assert set(value["labels"]) <= set(control.labels)
            assert 0 <= region["score"] <= 1


def test_before_a_first_version_the_annotator_is_not_blocked(client, attached):
    project_id, _, _, _ = attached("klue", champion=False)
    client.import_tasks(project_id, [{"data": {"text": TEXT}}])
    task = client.next_task(project_id)
    assert task is not None
    assert {p["model_version"] for p in client.task(task["id"])["predictions"]} <= {"untrained"}


def test_all_predictions_are_retrieved_at_once_and_keep_the_place_in_the_queue(client, attached):
    """Where one of ours was empty, people are to label blind: it stays empty."""
    project_id, key, running, store = attached("general")
    control = parse_label_config((CONFIGS / "general.xml").read_text("utf-8"))
    texts = [document.text for document in generate(40, seed=5)]
    before = Entity(0, 1, control.labels.labels[0])
    ids = client.import_tasks(
        project_id,
        [
            {
                "data": {"text": text},
                "predictions": [
                    {
                        "result": to_regions([before], text, control)[0] if n % 2 else [],
                        "score": n / 1000,
                        "model_version": "v1",
                    }
                ],
            }
            for n, text in enumerate(texts, start=1)
        ]
        + [{"data": {"text": "가" * 200_000}}],
    )
    config = client.project(project_id)["label_config"]
    save_version(store, key, "v2", parse_label_config(config).labels, seed=2)
    store.set_champion(key, Champion("v2", config))
    running.until(lambda: running.status(key)["loaded"] == "v2")
    client._call(
        "POST",
        f"api/dm/actions/?id=retrieve_tasks_predictions&project={project_id}",
        body={"selectedItems": {"all": True, "excluded": []}},
    )
    found = {p["task"]: p for p in client.predictions(project_id) if p["model_version"] == "v2"}
    assert set(found) == set(ids)
    assert [found[task]["score"] for task in ids[:40]] == [n / 1000 for n in range(1, 41)]
    assert any(found[task]["result"] for task in ids[:40:2])
    assert not any(found[task]["result"] for task in ids[1:40:2])
    assert found[ids[40]]["result"] == []


def test_what_the_version_has_stored_is_retrieved_as_it_is(client, attached):
    """People rejected before what was left out of it; of a task without it the tagger speaks."""
    project_id, _, _, _ = attached("klue")
    control = parse_label_config((CONFIGS / "klue.xml").read_text("utf-8"))
    shown, _ = to_regions([Entity(0, 1, control.labels.labels[0])], TEXT, control)
    told = {"result": shown, "score": 0.25, "model_version": "v1"}
    data = {control.text_field: TEXT}
    tasks = [{"data": data, "predictions": [told]}, {"data": data}]
    kept, fresh = client.import_tasks(project_id, tasks)
    client._call(
        "POST",
        f"api/dm/actions/?id=retrieve_tasks_predictions&project={project_id}",
        body={"selectedItems": {"all": True, "excluded": []}},
    )
    spans = {kept: [], fresh: []}
    for prediction in client.predictions(project_id):
        values = [region["value"] for region in prediction["result"]]
        spans[prediction["task"]].append([(value["start"], value["end"]) for value in values])
    assert spans[kept]
    assert all(said == [(0, 1)] for said in spans[kept])
    assert len(spans[fresh]) == 1
    assert spans[fresh] != [[(0, 1)]]
