"""Who may do what: the one table of routes and roles, and the one place that asks it."""

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from backend.db.members import may_open
from backend.db.scopes import Scope
from backend.db.tables import Role
from backend.opened import opened

EVERYONE = None  # no account is asked for

ALLOWED: dict[str, Role | Scope | None] = {
    "static": EVERYONE,
    "health.health": EVERYONE,
    "charts.library": EVERYONE,
    "language.change": EVERYONE,
    "webhooks.receive": EVERYONE,  # authenticated by its own secret
    "login.login": EVERYONE,
    "login.logout": Role.ANNOTATOR,
    "login.password": Role.ANNOTATOR,
    "login.change_password": Role.ANNOTATOR,
    "projects.projects": Role.ANNOTATOR,
    "project.project": Role.ANNOTATOR,
    "project.live": Role.ANNOTATOR,
    "project.export": Role.CURATOR,
    "actions.retrain": Role.CURATOR,
    "actions.retry": Role.CURATOR,
    "actions.cancel": Role.CURATOR,
    "actions.rollback": Role.CURATOR,
    "actions.decide": Role.CURATOR,
    "actions.reconcile": Role.CURATOR,
    "models.show": Role.CURATOR,
    "models.live": Role.CURATOR,
    "models.version": Role.CURATOR,
    "models.compare": Role.CURATOR,
    "models.download": Role.CURATOR,
    "forecast.show": Role.CURATOR,
    "jobs.show": Role.CURATOR,
    "jobs.live": Role.CURATOR,
    "job_actions.cancel": Role.CURATOR,
    "job_actions.retry": Role.CURATOR,
    "job_actions.cancel_autolabel": Role.CURATOR,
    "model_errors.show": Role.CURATOR,
    "model_errors.document": Role.CURATOR,
    "review_actions.compare": Role.CURATOR,
    "doubts.show": Role.CURATOR,
    "doubts.live": Role.CURATOR,
    "doubts.doubt": Role.CURATOR,
    "sent_back.show": Role.CURATOR,
    "review_actions.ask": Role.CURATOR,
    "review_actions.cancel": Role.CURATOR,
    "review_actions.decide": Role.CURATOR,
    "review_actions.undo": Role.CURATOR,
    "evidence.find": Role.ANNOTATOR,
    "evidence.show": Role.ANNOTATOR,
    "evidence.span": Role.ANNOTATOR,
    "autolabel.show": Role.CURATOR,
    "autolabel.live": Role.CURATOR,
    "autolabel_actions.accept": Role.CURATOR,
    "autolabel_actions.reject": Role.CURATOR,
    "autolabel_actions.send": Role.CURATOR,
    "autolabel_actions.undo": Role.CURATOR,
    "autolabel_actions.start": Role.CURATOR,
    "autolabel_actions.run": Role.CURATOR,
    "releases.show": Role.CURATOR,
    "releases.live": Role.CURATOR,
    "releases.build": Role.CURATOR,
    "releases.release": Role.CURATOR,
    "releases.verify": Role.CURATOR,
    "releases.cancel": Role.CURATOR,
    "releases.verify_live": Role.CURATOR,
    "releases.file": Role.CURATOR,
    "releases.everything": Role.CURATOR,
    "releases.download": Role.CURATOR,
    "releases.compare": Role.CURATOR,
    "releases.compare_live": Role.CURATOR,
    "releases.begin_compare": Role.CURATOR,
    "annotators.show": Role.ANNOTATOR,  # of others, curators alone
    "annotators.agreement": Role.CURATOR,
    "annotator_actions.settle": Role.CURATOR,
    "annotator_actions.undo": Role.CURATOR,
    "project_settings.show": Role.CURATOR,
    "project_settings.change": Role.CURATOR,
    "project_settings.undo": Role.CURATOR,
    "selection.show": Role.CURATOR,
    "selection.change": Role.CURATOR,
    "replay.show": Role.CURATOR,
    "replay.begin": Role.CURATOR,
    "replay.one": Role.CURATOR,
    "replay.live": Role.CURATOR,
    "replay.curves": Role.CURATOR,
    "replay.cancel": Role.CURATOR,
    "replay.go_on": Role.CURATOR,
    "replay.use": Role.CURATOR,
    "labels.show": Role.CURATOR,
    "labels.live": Role.CURATOR,
    "labels.change": Role.CURATOR,
    "labels.restore": Role.CURATOR,
    "labels.survey": Role.CURATOR,
    "duplicates.show": Role.CURATOR,
    "duplicates.group": Role.CURATOR,
    "duplicates.decide": Role.CURATOR,
    "duplicates.withdraw": Role.CURATOR,
    "duplicates.survey": Role.CURATOR,
    "accounts.show": Role.ADMINISTRATOR,
    "accounts.add": Role.ADMINISTRATOR,
    "accounts.change_role": Role.ADMINISTRATOR,
    "tokens.show": Role.ADMINISTRATOR,
    "tokens.make": Role.ADMINISTRATOR,
    "tokens.revoke": Role.ADMINISTRATOR,
    "audit.of_all": Role.ADMINISTRATOR,
    "audit.of_project": Role.CURATOR,
    "members.show": Role.CURATOR,
    "members.add": Role.CURATOR,
    "members.remove": Role.CURATOR,
    "connection.show": Role.CURATOR,
    "connection.test": Role.CURATOR,
    "connection.connect": Role.ADMINISTRATOR,
    "api_documentation.show": Role.ANNOTATOR,
    # the API: what a program's token needs
    "rest.document": EVERYONE,
    "rest.list_projects": Scope.PROJECTS_READ,
    "rest.show_project": Scope.PROJECTS_READ,
    "rest.show_overview": Scope.MODELS_READ,
    "rest.show_settings": Scope.SETTINGS_READ,
    "rest.create": Scope.CONNECTIONS_WRITE,
    "rest.connect": Scope.CONNECTIONS_WRITE,
    "rest.adopt_label_studio": Scope.CONNECTIONS_WRITE,
    "rest.sync": Scope.GOLD_WRITE,
    "rest.set_settings": Scope.SETTINGS_WRITE,
    "rest.undo_settings": Scope.SETTINGS_WRITE,
    "rest.list_formats": Scope.PROJECTS_READ,
    "rest.import_documents": Scope.GOLD_WRITE,
    "rest.download_gold": Scope.GOLD_READ,
    "rest.label_balance": Scope.GOLD_READ,
    "rest.what_if": Scope.GOLD_READ,
    "rest.list_mappings": Scope.GOLD_READ,
    "rest.add": Scope.GOLD_WRITE,
    "rest.rename_label": Scope.GOLD_WRITE,
    "rest.merge_label": Scope.GOLD_WRITE,
    "rest.restore_mapping": Scope.GOLD_WRITE,
    "rest.show_selection": Scope.SETTINGS_READ,
    "rest.set_selection": Scope.SETTINGS_WRITE,
    "rest.list_replays": Scope.SETTINGS_READ,
    "rest.show_replay": Scope.SETTINGS_READ,
    "rest.begin_replay": Scope.MODELS_WRITE,
    "rest.cancel_replay": Scope.MODELS_WRITE,
    "rest.continue_replay": Scope.MODELS_WRITE,
    "rest.list_queue": Scope.GOLD_READ,
    "rest.list_batches": Scope.GOLD_READ,
    "rest.list_runs": Scope.MODELS_READ,
    "rest.show_run": Scope.MODELS_READ,
    "rest.run_course": Scope.MODELS_READ,
    "rest.list_versions": Scope.MODELS_READ,
    "rest.show_version": Scope.MODELS_READ,
    "rest.version_scores": Scope.GOLD_READ,
    "rest.compare_versions": Scope.GOLD_READ,
    "rest.download_version": Scope.GOLD_READ,
    "rest.show_forecast": Scope.GOLD_READ,
    "rest.start_run": Scope.MODELS_WRITE,
    "rest.retry_run": Scope.MODELS_WRITE,
    "rest.cancel_run": Scope.MODELS_WRITE,
    "rest.decide_run": Scope.MODELS_WRITE,
    "rest.publish_version": Scope.MODELS_WRITE,
    "rest.show_survey": Scope.GOLD_READ,
    "rest.list_findings": Scope.GOLD_READ,
    "rest.list_copies": Scope.GOLD_READ,
    "rest.show_conflicts": Scope.GOLD_READ,
    "rest.find_copies": Scope.GOLD_WRITE,
    "rest.ask_for_survey": Scope.GOLD_WRITE,
    "rest.decide_conflict": Scope.GOLD_WRITE,
    "rest.choose_variant": Scope.GOLD_WRITE,
    "rest.withdraw_decision": Scope.GOLD_WRITE,
    "rest.autolabel_status": Scope.GOLD_READ,
    "rest.list_autolabels": Scope.GOLD_READ,
    "rest.list_promises": Scope.GOLD_READ,
    "rest.start_autolabels": Scope.MODELS_WRITE,
    "rest.pause_autolabels": Scope.MODELS_WRITE,
    "rest.resume_autolabels": Scope.MODELS_WRITE,
    "rest.cancel_autolabels": Scope.MODELS_WRITE,
    "rest.decide_autolabels": Scope.GOLD_WRITE,
    "rest.undo_autolabels": Scope.GOLD_WRITE,
    "rest.show_evidence": Scope.GOLD_READ,
    "rest.list_differences": Scope.GOLD_READ,
    "rest.compare_differences": Scope.GOLD_WRITE,
    "rest.decide_difference": Scope.GOLD_WRITE,
    "rest.undo_difference": Scope.GOLD_WRITE,
    "rest.show_agreement": Scope.GOLD_READ,
    "rest.list_pairs": Scope.GOLD_READ,
    "rest.list_disagreements": Scope.GOLD_READ,
    "rest.list_waiting": Scope.GOLD_READ,
    "rest.settle_shared": Scope.GOLD_WRITE,
    "rest.wait_for_shared": Scope.GOLD_WRITE,
    "rest.list_annotators": Scope.PROJECTS_READ,  # of others, curators alone
    "rest.list_changes": Scope.SETTINGS_READ,
    "rest.list_doubts": Scope.GOLD_READ,
    "rest.list_sent_doubts": Scope.GOLD_READ,
    "rest.list_sent_differences": Scope.GOLD_READ,
    "rest.show_look": Scope.GOLD_READ,
    "rest.find_doubts": Scope.MODELS_WRITE,
    "rest.cancel_look": Scope.MODELS_WRITE,
    "rest.decide_doubt": Scope.GOLD_WRITE,
    "rest.undo_doubt": Scope.GOLD_WRITE,
    "rest.list_members": Scope.SETTINGS_READ,
    "rest.add_member": Scope.SETTINGS_WRITE,
    "rest.remove_member": Scope.SETTINGS_WRITE,
    "rest.test_connection": Scope.SETTINGS_READ,
    "rest.list_jobs": Scope.SETTINGS_READ,
    "rest.show_workers": Scope.SETTINGS_READ,
    "rest.cancel_job": Scope.MODELS_WRITE,
    "rest.retry_job": Scope.MODELS_WRITE,
    "rest.list_releases": Scope.GOLD_READ,
    "rest.show_release": Scope.GOLD_READ,
    "rest.release_card": Scope.GOLD_READ,
    "rest.release_manifest": Scope.GOLD_READ,
    "rest.export_release": Scope.GOLD_READ,
    "rest.download_release": Scope.GOLD_READ,
    "rest.download_release_file": Scope.GOLD_READ,
    "rest.show_release_job": Scope.GOLD_READ,
    "rest.make_release": Scope.RELEASES_WRITE,
    "rest.verify_release": Scope.RELEASES_WRITE,
    "rest.compare_releases": Scope.RELEASES_WRITE,
    "rest.cancel_release_job": Scope.RELEASES_WRITE,
    "rest.list_accounts": Scope.ACCOUNTS_READ,
    "rest.list_tokens": Scope.ACCOUNTS_READ,
    "rest.list_audit_log": Scope.ACCOUNTS_READ,
    "rest.add_account": Scope.ACCOUNTS_WRITE,
    "rest.set_account_role": Scope.ACCOUNTS_WRITE,
    "rest.set_account_password": Scope.ACCOUNTS_WRITE,
    "rest.make_token": Scope.ACCOUNTS_WRITE,
    "rest.revoke_token": Scope.ACCOUNTS_WRITE,
}

_ORDER = (Role.ANNOTATOR, Role.CURATOR, Role.ADMINISTRATOR)


def may(role: str, needed: Role | None) -> bool:
    """Whether a role includes what is needed; each includes those before it."""
    return needed is None or _ORDER.index(Role(role)) >= _ORDER.index(needed)


def check_request() -> ResponseReturnValue | None:
    """Before every request: a route that is not in the table is open to nobody."""
    if request.endpoint is None:
        return None  # no such page; Flask answers 404
    if request.endpoint not in ALLOWED:
        abort(403)
    needed = ALLOWED[request.endpoint]
    if needed is None or isinstance(needed, Scope):
        return None  # the API asks for a token itself, with the scope that stands here
    if not current_user.is_authenticated:
        if request.method == "GET" and not request.endpoint.endswith("live"):
            return redirect(url_for("login.login", next=request.full_path.rstrip("?")))
        abort(401)
    if not may(current_user.role, needed):
        abort(403)
    key = (request.view_args or {}).get("key")
    if key is not None and not _may_open(key):
        abort(404)
    return None


def _may_open(key: str) -> bool:
    with opened().database.read() as session:
        return may_open(session, key, current_user.role, current_user.account_id)


def allowed(endpoint: str) -> bool:
    """For templates: whether the person signed in may use a route."""
    needed = ALLOWED[endpoint]
    assert not isinstance(needed, Scope)
    return bool(current_user.is_authenticated) and may(current_user.role, needed)
