"""The ML backend as a Flask application: one factory that wires model server, routes, access."""

import base64
import contextlib
import hmac
import logging
import time
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from ml_backend.contract.model_store import KEY, ModelStore
from ml_backend.serving.metrics import Metrics
from ml_backend.serving.model_server import ModelServer
from ml_backend.serving.predictor import Predictor
from ml_backend.serving.project import Services, blueprint, json_response
from ml_backend.settings import MlSettings, load_settings

log = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024 * 1024  # bytes
OPEN_TO_ALL = {"health", "project.health"}
METHODS = {"GET", "HEAD", "OPTIONS", "POST"}  # others are counted together: anyone can invent one


class ProjectKey(BaseConverter):
    """A project's key in an address; anything else is no such page."""

    regex = KEY.pattern


def create_app(settings: MlSettings | None = None) -> Flask:
    """Make the application and begin to load champions in the background.

    Raises MlSettingsError when no password is set.
    """
    settings = settings or load_settings()
    app = Flask("ml_backend", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.converters["key"] = ProjectKey
    metrics = Metrics()
    server = ModelServer(
        ModelStore(settings.models),
        on_failure=lambda key: metrics.load_failures.labels(key).inc(),
    )
    metrics.watch(server)
    services = Services(server, Predictor(), metrics, settings.redis_address)
    app.extensions["goldloop"] = services
    app.before_request(_access(settings.ml_backend_user, settings.require_password()))
    app.before_request(_begin)
    app.after_request(_measure(metrics))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    app.register_blueprint(blueprint)
    _add_root(app, services)
    server.start()
    return app


def _add_root(app: Flask, services: Services) -> None:
    @app.get("/health")
    def health() -> Response:
        projects = {
            key: {"champion": status.champion, "loaded": status.loaded, "error": status.error}
            for key, status in services.server.statuses().items()
        }
        return json_response({"status": "UP", "projects": projects})

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(
            generate_latest(services.metrics.registry), content_type=CONTENT_TYPE_LATEST
        )


def _access(user: str, password: str) -> Callable[[], Response | None]:
    """Basic authentication, compared in constant time; health alone is open to all."""
    pair = f"{user}:{password}"
    # Label Studio (by requests) sends Latin-1 where it can, newer programs UTF-8
    accepted = [pair.encode("utf-8", "surrogateescape")]
    with contextlib.suppress(UnicodeEncodeError):
        accepted.append(pair.encode("latin-1"))

    def check() -> Response | None:
        if request.endpoint in OPEN_TO_ALL:
            return None
        given = _credentials(request.headers.get("Authorization", ""))
        if sum(hmac.compare_digest(given, right) for right in accepted):
            return None
        response = json_response({"error": "user and password are needed"}, 401)
        response.headers["WWW-Authenticate"] = 'Basic realm="Goldloop ML backend"'
        return response

    return check


def _credentials(header: str) -> bytes:
    """The bytes of `user:password` in a Basic header, empty when it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return b""


def _begin() -> None:
    g.began = time.monotonic()


def _measure(metrics: Metrics) -> Callable[[Response], Response]:
    def measure(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "other"
        method = request.method if request.method in METHODS else "other"
        metrics.requests.labels(route, method, response.status_code).inc()
        if "began" in g:
            metrics.seconds.labels(route).observe(time.monotonic() - g.began)
        return response

    return measure


def _refused(error: HTTPException) -> Response:
    return json_response({"error": error.description}, error.code or 500)


def _failed(error: Exception) -> Response:
    """People get a sentence and a number; the log has the traceback under the same number."""
    number = uuid.uuid4().hex[:12]
    log.error("request_failed id=%s path=%s", number, request.path, exc_info=error)
    return json_response({"error": f"something went wrong here; in the log it is {number}"}, 500)
