"""Every route and refusal, through the application itself over a real model store."""

import base64
import json
import logging
import shutil

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ml_backend.contract.model_store import Champion
from ml_backend.serving.app import create_app
from ml_backend.settings import MlSettings, MlSettingsError

AUTH = ("goldloop", "pass wörd")
ROUTES = [
    ("POST", "/p/news/setup"),
    ("POST", "/p/news/predict"),
    ("GET", "/p/news/versions"),
    ("POST", "/p/news/webhook"),
    ("POST", "/p/news/entities"),
    ("GET", "/metrics"),
]


@pytest.fixture
def make_client(tmp_path, monkeypatch):
    """Clients of applications over a store; their threads end with the test."""
    monkeypatch.chdir(tmp_path)
    made = []

    def make(models):
        settings = MlSettings(
            goldloop_home=tmp_path,
            model_store=models,
            redis_url=f"unix://{tmp_path}/nobody.sock",
            ml_backend_password=AUTH[1],
        )
        app = create_app(settings)
        made.append(app)
        return app.test_client()

    yield make
    for app in made:
        app.extensions["goldloop"].close()


@pytest.fixture
def client(make_client, news):
    return make_client(news.store.root)


@pytest.fixture
def empty(make_client, tmp_path):
    return make_client(tmp_path / "empty")


def post(client, path, body, **options):
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(path, data=content, auth=AUTH, **options)


def tasks_of(*texts):
    return [{"id": n, "data": {"text": text}} for n, text in enumerate(texts, start=1)]


def test_no_password_no_application(tmp_path):
    with pytest.raises(MlSettingsError, match="ML_BACKEND_PASSWORD"):
        create_app(MlSettings(goldloop_home=tmp_path, ml_backend_password=""))


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic Z29sZGxvb3A6d3Jvbmc="},
    ],
)
def test_only_health_answers_without_user_and_password(empty, method, path, headers):
    response = empty.open(path, method=method, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert set(response.get_json()) == {"error"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_beyond_ascii_may_come_in_either_encoding(empty, encoding):
    encoded = base64.b64encode(":".join(AUTH).encode(encoding)).decode()
    headers = {"Authorization": f"Basic {encoded}"}
    assert empty.get("/p/news/versions", headers=headers).status_code == 200


def test_health_is_open(empty):
    assert empty.get("/health").get_json() == {"status": "UP", "projects": {}}
    assert empty.get("/p/news/health").get_json()["status"] == "UP"


@pytest.mark.parametrize("key", ["News", "a_b", "-a", "a%2Fb", "..", "a" * 64])
def test_a_key_that_no_project_can_have_is_not_found(empty, key):
    assert empty.get(f"/p/{key}/health").status_code in (401, 404)
    assert post(empty, f"/p/{key}/setup", {}).status_code == 404


def test_before_a_first_version_setup_and_predictions_say_untrained(empty):
    assert post(empty, "/p/news/setup", {"project": "1.2"}).get_json() == {
        "model_version": "untrained"
    }
    body = {"tasks": tasks_of("가나다", "라마")}
    assert post(empty, "/p/news/predict", body).get_json() == {
        "results": [{"result": [], "score": 0.0, "model_version": "untrained"}] * 2
    }
    assert empty.get("/p/news/versions", auth=AUTH).get_json() == {"versions": []}
    assert post(empty, "/p/news/entities", {"texts": ["가"]}).status_code == 503


def test_setup_names_the_version_of_the_predictions(client, news):
    setup = {
        "project": "1.1795310500",
        "schema": news.config,
        "hostname": "http://127.0.0.1:8080",
        "access_token": "tok-never-seen",
        "extra_params": None,
    }
    named = post(client, "/p/news/setup", setup).get_json()["model_version"]
    body = {"tasks": tasks_of(*news.texts), "label_config": news.config, "params": {"context": {}}}
    results = post(client, "/p/news/predict", body).get_json()["results"]
    assert {result["model_version"] for result in results} == {named} == {news.version}


def test_predictions_are_those_of_the_tagger(client, news):
    body = {"tasks": tasks_of(*news.texts), "label_config": news.config}
    results = post(client, "/p/news/predict", body).get_json()["results"]
    assert len(results) == len(news.texts)
    assert any(result["result"] for result in results)
    for text, result, expected in zip(
        news.texts, results, news.tagger.predict(news.texts), strict=True
    ):
        spans = [
            (r["value"]["start"], r["value"]["end"], r["value"]["labels"][0])
            for r in result["result"]
        ]
        assert spans == [entity.key for entity in expected.entities]
        assert result["score"] == pytest.approx(expected.confidence, abs=1e-3)
        for region in result["result"]:
            value = region["value"]
            assert value["text"] == text[value["start"] : value["end"]]
            assert 0 <= region["score"] <= 1


def test_without_a_configuration_in_the_request_the_published_one_is_read(client, news):
    with_config = {"tasks": tasks_of(*news.texts), "label_config": news.config}
    for body in ({"tasks": tasks_of(*news.texts)}, {**with_config, "label_config": None}):
        answer = post(client, "/p/news/predict", body).get_json()
        assert answer == post(client, "/p/news/predict", with_config).get_json()


def test_control_and_field_names_are_read_from_the_request(client, news):
    config = news.config.replace('"label"', '"ner"').replace('"text"', '"body"')
    config = config.replace('"$text"', '"$content"')
    tasks = [{"id": 1, "data": {"content": text, "text": "elsewhere"}} for text in news.texts]
    body = {"tasks": tasks, "label_config": config}
    results = post(client, "/p/news/predict", body).get_json()["results"]
    names = {(r["from_name"], r["to_name"]) for result in results for r in result["result"]}
    assert names == {("ner", "body")}


def test_labels_that_the_configuration_lacks_are_left_out_and_counted(client, news):
    config = '<View><Labels name="l" toName="t"><Label value="no such"/></Labels>'
    config += '<Text name="t" value="$text"/></View>'
    body = {"tasks": tasks_of(*news.texts), "label_config": config}
    results = post(client, "/p/news/predict", body).get_json()["results"]
    assert not any(result["result"] for result in results)
    expected = sum(len(p.entities) for p in news.tagger.predict(news.texts))
    assert metric(client, "goldloop_entities_left_out_total", project="news") == expected > 0


def test_unusable_tasks_are_logged_by_id_and_never_by_text(client, news, caplog):
    caplog.set_level(logging.INFO)
    tasks = [
        *tasks_of(news.texts[0]),
        {"id": 71, "data": {"text": "비밀" * 100_000}},
        {"id": 72, "data": {"text": 5}},
        {"id": 73},
        None,
    ]
    body = {"tasks": tasks, "label_config": news.config}
    response = post(client, "/p/news/predict", body)
    assert response.status_code == 200
    assert len(response.get_json()["results"]) == 5
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert all(number in logged for number in ("71", "72", "73", "#4"))
    assert "비밀" not in logged
    assert news.texts[0] not in logged
    assert metric(client, "goldloop_tasks_unusable_total", project="news") == 4


def test_a_token_given_to_setup_is_never_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    post(client, "/p/news/setup", {"access_token": "tok-never-seen", "extra_params": None})
    post(client, "/p/news/setup", b'{"access_token": "tok-never-seen", ')
    assert "tok-never-seen" not in caplog.text


@pytest.mark.parametrize("path", ["setup", "predict", "entities", "webhook"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 200_000, b"1" * 10_000],
)
def test_a_malformed_body_is_refused_with_a_sentence(client, path, content):
    response = post(client, f"/p/news/{path}", content)
    assert response.status_code == 400
    assert response.get_json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tasks": None},
        {"tasks": {"id": 1}},
        {"tasks": [], "label_config": "<View>"},
        {"tasks": [], "label_config": "<View><Text name='t' value='$t'/></View>"},
    ],
)
def test_a_request_that_cannot_be_understood_is_refused_with_a_sentence(client, body):
    response = post(client, "/p/news/predict", body)
    assert response.status_code == 400
    assert response.get_json()["error"]


def test_half_a_surrogate_pair_spoils_only_its_own_task(client, news):
    body = {"tasks": tasks_of(news.texts[0], "x \ud83d y", news.texts[1])}
    results = post(client, "/p/news/predict", body).get_json()["results"]
    assert [result["model_version"] for result in results] == [news.version] * 3
    assert results[1]["result"] == []


def test_entities_of_plain_texts(client, news):
    answer = post(client, "/p/news/entities", {"texts": ["", *news.texts]}).get_json()
    assert answer["model_version"] == news.version
    assert answer["results"][0] == {"entities": [], "confidence": 1.0}
    for text, result in zip(news.texts, answer["results"][1:], strict=True):
        assert 0 <= result["confidence"] <= 1
        for entity in result["entities"]:
            assert set(entity) == {"start", "end", "label", "text", "probability"}
            assert entity["text"] == text[entity["start"] : entity["end"]]
            assert 0 <= entity["probability"] <= 1


@pytest.mark.parametrize("texts", [None, "text", [1], [None], ["가", "나" * 200_000], ["\ud83d"]])
def test_texts_that_cannot_be_tagged_are_refused_with_a_sentence(client, texts):
    response = post(client, "/p/news/entities", {"texts": texts})
    assert response.status_code == 400
    assert "texts" in response.get_json()["error"]


def test_versions_are_those_of_the_store(client, news):
    assert client.get("/p/news/versions", auth=AUTH).get_json() == {"versions": [news.version]}


def test_a_broken_first_version_is_said_to_those_who_ask(make_client, news):
    shutil.copytree(news.folder, news.store.version_folder("clinic", "v1"))
    for path in news.store.version_folder("clinic", "v1").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    news.store.set_champion("clinic", Champion("v1", news.config))
    client = make_client(news.store.root)
    assert post(client, "/p/clinic/predict", {"tasks": []}).status_code == 503
    assert post(client, "/p/clinic/setup", {}).status_code == 503
    health = client.get("/p/clinic/health")
    assert health.status_code == 200
    assert health.get_json()["error"]
    assert post(client, "/p/news/predict", {"tasks": []}).get_json() == {"results": []}
    assert metric(client, "goldloop_load_failures_total", project="clinic") == 1


def test_start_training_without_redis_is_a_503_with_a_sentence(empty):
    response = post(empty, "/p/news/webhook", {"action": "START_TRAINING", "project": {"id": 1}})
    assert response.status_code == 503
    assert "Redis" in response.get_json()["error"]


def test_other_webhook_events_are_ignored(empty):
    response = post(empty, "/p/news/webhook", {"action": "ANNOTATION_CREATED", "task": {}})
    assert (response.status_code, response.get_json()) == (200, {"status": "ignored"})


def test_metrics_tell_requests_tasks_and_the_loaded_version(client, news):
    post(client, "/p/news/predict", {"tasks": tasks_of(*news.texts)})
    route = "/p/<key:project_key>/predict"
    assert metric(client, "goldloop_requests_total", route=route, method="POST", status="200") == 1
    assert metric(client, "goldloop_request_seconds_count", route=route) == 1
    assert metric(client, "goldloop_tasks_predicted_total", project="news") == len(news.texts)
    assert metric(client, "goldloop_loaded_version", project="news", version=news.version) == 1


def metric(client, name, **labels):
    page = client.get("/metrics", auth=AUTH).get_data(as_text=True)
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
