"""What Label Studio, and anyone's program, asks of one project: the routes under `/p/KEY`."""

import functools
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest

from ml_backend.contract.label_studio import LabelConfigError, TextControl, parse_label_config
from ml_backend.serving.metrics import Metrics
from ml_backend.serving.model_server import UNTRAINED, Loaded, ModelServer, NotServedError
from ml_backend.serving.predictor import Predictor
from ml_backend.serving.tasks import Answer, answer_tasks, in_unit, untrained, why_unusable
from ml_backend.serving.training_bell import BellError, ask_for_training

log = logging.getLogger(__name__)
blueprint = Blueprint("project", __name__, url_prefix="/p/<key:project_key>")

PREDICT_WAIT = 60.0  # seconds for a first load; Label Studio gives predict 100
NAMED_IN_LOG = 20  # task ids in a log line, at most


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    server: ModelServer
    predictor: Predictor
    metrics: Metrics
    redis_address: str

    def close(self) -> None:
        """Stop the threads."""
        self.server.close()
        self.predictor.close()


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """An answer in JSON."""
    content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, content_type="application/json")


@blueprint.errorhandler(NotServedError)
def not_served(error: NotServedError) -> Response:
    """A champion that could not be loaded, and no earlier one to go on with."""
    return json_response({"error": f"no version is loaded: {error}"}, 503)


@blueprint.get("/health")
def health(project_key: str) -> Response:
    """Up; loads nothing and waits for nothing."""
    status = _services().server.status(project_key)
    return json_response(
        {
            "status": "UP",
            "model_class": "Goldloop",
            "model_version": status.loaded or status.champion or UNTRAINED,
            "champion": status.champion,
            "loaded": status.loaded,
            "error": status.error,
        }
    )


@blueprint.post("/setup")
def setup(project_key: str) -> Response:
    """The version that predictions will bear. Nothing of the request is kept: it holds a token."""
    _read_object()
    return json_response({"model_version": _services().server.named_version(project_key)})


@blueprint.get("/versions")
def versions(project_key: str) -> Response:
    """The versions that the project's store holds, whether or not they were ever champion."""
    return json_response({"versions": _services().server.store.versions(project_key)})


@blueprint.post("/predict")
def predict(project_key: str) -> Response:
    """One result a task, in order."""
    began = time.monotonic()
    services = _services()
    body = _read_object()
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise BadRequest("tasks must be a list of tasks")
    loaded = services.server.serving(project_key, wait=PREDICT_WAIT)
    if loaded is None:
        answer = untrained(tasks)
    else:
        answer = answer_tasks(
            tasks,
            _control(body.get("label_config"), loaded),
            functools.partial(services.predictor.predict, loaded.tagger),
            version=loaded.version,
            versions={*services.server.store.versions(project_key)},
            mapping=loaded.mapping,
        )
    services.metrics.count(project_key, answer)
    _report(project_key, loaded.version if loaded else UNTRAINED, answer, began)
    return json_response({"results": answer.results})


@blueprint.post("/entities")
def entities(project_key: str) -> Response:
    """Plain texts in, entities with probabilities out: for anyone's program."""
    services = _services()
    texts = _read_object().get("texts")
    if not isinstance(texts, list):
        raise BadRequest("texts must be a list of strings")
    for index, text in enumerate(texts):
        reason = why_unusable(text)
        if reason:
            raise BadRequest(f"texts[{index}] cannot be tagged: {reason}")
    loaded = services.server.serving(project_key, wait=PREDICT_WAIT)
    if loaded is None:
        raise NotServedError("the project has no version yet")
    results: list[dict[str, Any]] = []
    predictions = services.predictor.predict(loaded.tagger, texts)
    for index, (text, prediction) in enumerate(zip(texts, predictions, strict=True)):
        if prediction is None:
            raise BadRequest(f"texts[{index}] cannot be tagged: the tagger failed on it")
        found = [{**e.to_dict(), "text": text[e.start : e.end]} for e in prediction.entities]
        results.append({"entities": found, "confidence": in_unit(prediction.confidence)})
    services.metrics.tasks.labels(project_key).inc(len(texts))
    return json_response({"model_version": loaded.version, "results": results})


@blueprint.post("/webhook")
def webhook(project_key: str) -> Response:
    """Label Studio's "Start training"; every other event is the application's business."""
    action = _read_object().get("action")
    if action != "START_TRAINING":
        return json_response({"status": "ignored"})
    try:
        ask_for_training(_services().redis_address, project_key)
    except BellError as error:
        log.warning("training_not_requested project=%s reason=%s", project_key, error)
        return json_response({"error": str(error)}, 503)
    log.info("training_requested project=%s", project_key)
    return json_response({"status": "requested"})


def _services() -> Services:
    services = current_app.extensions["goldloop"]
    assert isinstance(services, Services)
    return services


def _read_object() -> dict[str, Any]:
    """The request's body; a BadRequest with a sentence when it is not a JSON object."""
    content = request.get_data(cache=False)
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = _read_leniently(content)
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _read_leniently(content: bytes) -> Any:
    """Read what only Python's own reader takes: half a surrogate pair in one of many tasks."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error


def _control(label_config: object, loaded: Loaded) -> TextControl:
    """The request's own labelling configuration, or the one the version was published under."""
    given = isinstance(label_config, str) and bool(label_config.strip())
    try:
        return _parsed(label_config if given else loaded.label_config)
    except LabelConfigError as error:
        raise BadRequest(f"label_config: {error}") from error


@functools.lru_cache(maxsize=64)
def _parsed(label_config: str) -> TextControl:
    return parse_label_config(label_config)


def _report(project_key: str, version: str, answer: Answer, began: float) -> None:
    """Log numbers and ids, never a text."""
    log.info(
        "predicted project=%s version=%s tasks=%d seconds=%.3f",
        project_key,
        version,
        len(answer.results),
        time.monotonic() - began,
    )
    for reason, names in answer.unusable.items():
        log.warning(
            "unusable_tasks project=%s count=%d reason=%r tasks=%s",
            project_key,
            len(names),
            reason,
            ",".join(names[:NAMED_IN_LOG]) + ("…" if len(names) > NAMED_IN_LOG else ""),
        )
    for label, count in answer.left_out.items():
        log.warning("label_left_out project=%s label=%r count=%d", project_key, label, count)
