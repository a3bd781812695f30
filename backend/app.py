"""The application's factory: opens the context and wires pages, API and their guards."""

import hashlib
from datetime import timedelta

from flask import Flask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.admin.annotator_actions import annotator_actions
from backend.admin.annotators import annotators_page
from backend.admin.autolabels.autolabel import autolabel_page
from backend.admin.autolabels.autolabel_actions import autolabel_actions
from backend.admin.charts.charts import add_charts, charts
from backend.admin.duplicates import duplicates_page
from backend.admin.evidence import evidence_page
from backend.admin.forecast import forecast_page
from backend.admin.frame import permissions
from backend.admin.frame.api_documentation import api_documentation
from backend.admin.frame.errors import add_error_pages
from backend.admin.frame.headers import add_headers
from backend.admin.frame.language import add_languages, language_switch
from backend.admin.frame.login import limiter, login_page, logins
from backend.admin.frame.navigation import add_navigation
from backend.admin.frame.paging import add_paging
from backend.admin.job_actions import job_actions
from backend.admin.jobs import jobs_page
from backend.admin.labels import labels_page
from backend.admin.models import models_page
from backend.admin.project.actions import actions
from backend.admin.project.project import project_page
from backend.admin.project.projects import projects_page
from backend.admin.releases import releases_page
from backend.admin.replay import replay_page
from backend.admin.review.doubts import doubts_page
from backend.admin.review.model_errors import model_errors_page
from backend.admin.review.review_actions import review_actions
from backend.admin.review.sent_back import sent_back_page
from backend.admin.selection import selection_page
from backend.admin.settings.accounts import accounts_page
from backend.admin.settings.audit import audit_page
from backend.admin.settings.connection import connection_page
from backend.admin.settings.members import members_page
from backend.admin.settings.project_settings import settings_page
from backend.admin.settings.settings_tabs import add_settings_tabs
from backend.admin.settings.tokens import tokens_page
from backend.admin.words.wording import add_wording
from backend.api.health import health_check
from backend.api.rest.operations import OPERATIONS
from backend.api.rest.problem import problem
from backend.api.rest.wire import ROOT, rest_blueprint
from backend.api.webhooks import webhooks
from backend.context import open_context
from backend.opened import keep_open
from backend.settings import Settings, load_settings

PAGES = (
    login_page,
    accounts_page,
    tokens_page,
    audit_page,
    api_documentation,
    projects_page,
    project_page,
    models_page,
    forecast_page,
    jobs_page,
    job_actions,
    model_errors_page,
    evidence_page,
    review_actions,
    doubts_page,
    sent_back_page,
    settings_page,
    connection_page,
    members_page,
    actions,
    autolabel_page,
    autolabel_actions,
    releases_page,
    annotators_page,
    annotator_actions,
    charts,
    language_switch,
    labels_page,
    duplicates_page,
    selection_page,
    replay_page,
)
LARGEST_REQUEST = 1024 * 1024  # bytes; the webhook endpoint sets its own


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application; raises SettingsError when a secret it needs is not set."""
    settings = settings or load_settings()
    settings.require("secret_key", "webhook_secret")
    app = Flask("backend.admin", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME=_cookie_name(settings),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.behind_proxy,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        SESSION_REFRESH_EACH_REQUEST=False,  # a page that looks by itself keeps nobody signed in
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: pages stay open all day
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
    )
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    keep_open(app, open_context(settings))
    logins.init_app(app)
    limiter.init_app(app)
    csrf = CSRFProtect(app)
    csrf.exempt(webhooks)  # authenticated by a secret header, not by a cookie
    app.before_request(permissions.check_request)
    app.jinja_env.globals["allowed"] = permissions.allowed
    add_languages(app)
    add_navigation(app)
    add_settings_tabs(app)
    add_paging(app)
    add_charts(app)
    add_wording(app)
    add_headers(app)
    add_error_pages(app, ROOT, problem)
    rest = rest_blueprint(OPERATIONS, permissions.ALLOWED)
    csrf.exempt(rest)  # authenticated by a token, never by a cookie
    for part in (*PAGES, health_check, webhooks, rest):
        app.register_blueprint(part)
    return app


def _cookie_name(settings: Settings) -> str:
    """One name an installation: cookies do not tell ports of one machine apart."""
    secret = settings.secret_key.get_secret_value()
    return f"goldloop-{hashlib.sha256(f'cookie {secret}'.encode()).hexdigest()[:8]}"
