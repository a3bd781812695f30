"""What a page can do, the API and the command line can do too: one table names each way.

A route that is not in the table, an operation or a command that there is not, fails.
"""

from collections import defaultdict

import click
import pytest
from flask import Flask

from backend.admin.frame.permissions import ALLOWED
from backend.api.rest.operations import OPERATIONS
from backend.app import create_app
from backend.cli import goldloop
from backend.db.scopes import ROLE_OF_SCOPE, ROLES, Scope
from backend.settings import Settings

Ways = tuple[list[str], list[str]]  # operations, and commands with the option that it takes

OF_BROWSERS = {
    "language.change": "who calls the API or a command reads English",
    "login.login": "a program shows a token",
    "login.logout": "a token is revoked",
    "login.password": "a form",
    "api_documentation.show": "it is the API's own",
    "charts.library": "a script",
    "static": "files of the pages",
    "rest.document": "the API's own",
}
STRICTER = {  # operations that ask for more than the page
    "set_account_password": "a page changes one's own, the API anybody's",
    **dict.fromkeys(
        (
            "show_overview",
            "list_versions",
            "show_version",
            "list_runs",
            "show_run",
            "run_course",
        ),
        "annotators do not see these parts of the page",
    ),
    "show_evidence": "the least scope, which every role has, lets no program read texts",
}

CHANGED: dict[str, Ways] = {
    "login.change_password": (["set_account_password"], ["user password"]),
    "accounts.add": (["add_account"], ["user add"]),
    "accounts.change_role": (["set_account_role"], ["user role"]),
    "tokens.make": (["make_token"], ["token make"]),
    "tokens.revoke": (["revoke_token"], ["token revoke"]),
    "members.add": (["add_member"], ["members add"]),
    "members.remove": (["remove_member"], ["members remove"]),
    "connection.test": (["test_connection"], ["project test"]),
    "connection.connect": (["connect"], ["project connect"]),
    "project_settings.change": (["set_settings"], ["project set"]),
    "project_settings.undo": (["undo_settings"], ["project undo"]),
    "actions.retrain": (["start_run"], ["retrain --set"]),
    "actions.retry": (["retry_run"], ["retrain --retry"]),
    "actions.cancel": (["cancel_run"], ["retrain --cancel"]),
    "actions.decide": (["decide_run"], ["retrain --promote", "retrain --refuse"]),
    "actions.rollback": (["publish_version"], ["rollback"]),
    "actions.reconcile": (["sync"], ["sync"]),
    "job_actions.cancel": (["cancel_job"], ["jobs cancel"]),
    "job_actions.retry": (["retry_job"], ["jobs retry"]),
    "job_actions.cancel_autolabel": (["cancel_autolabels"], ["autolabel cancel"]),
    "review_actions.compare": (["compare_differences"], ["errors compare"]),
    "review_actions.ask": (["find_doubts"], ["doubts find"]),
    "review_actions.cancel": (["cancel_look"], ["doubts find --cancel"]),
    "review_actions.decide": (
        ["decide_difference", "decide_doubt"],
        ["errors decide", "doubts decide"],
    ),
    "review_actions.undo": (["undo_difference", "undo_doubt"], ["errors undo", "doubts undo"]),
    "autolabel_actions.accept": (["decide_autolabels"], ["autolabel accept"]),
    "autolabel_actions.reject": (["decide_autolabels"], ["autolabel reject"]),
    "autolabel_actions.send": (["decide_autolabels"], ["autolabel send"]),
    "autolabel_actions.undo": (["undo_autolabels"], ["autolabel undo"]),
    "autolabel_actions.start": (["start_autolabels"], ["autolabel start"]),
    "autolabel_actions.run": (
        ["pause_autolabels", "resume_autolabels", "cancel_autolabels"],
        ["autolabel pause", "autolabel resume", "autolabel cancel"],
    ),
    "releases.build": (["make_release"], ["release create"]),
    "releases.verify": (["verify_release"], ["release verify"]),
    "releases.begin_compare": (["compare_releases"], ["release diff"]),
    "releases.cancel": (["cancel_release_job"], ["release job --cancel"]),
    "annotator_actions.settle": (["settle_shared"], ["shared settle"]),
    "annotator_actions.undo": (["wait_for_shared"], ["shared wait"]),
    "selection.change": (["set_selection"], ["project set"]),
    "replay.begin": (["begin_replay"], ["replays begin"]),
    "replay.cancel": (["cancel_replay"], ["replays cancel"]),
    "replay.go_on": (["continue_replay"], ["replays go-on"]),
    "replay.use": (["set_selection"], ["project set"]),
    "labels.change": (
        ["rename_label", "merge_label", "set_settings"],
        ["labels rename", "labels merge", "project set"],
    ),
    "labels.restore": (
        ["restore_mapping", "set_settings"],
        ["labels restore", "project set"],
    ),
    "labels.survey": (["ask_for_survey"], ["duplicates survey"]),
    "duplicates.survey": (["ask_for_survey"], ["duplicates survey"]),
    "duplicates.decide": (
        ["choose_variant", "decide_conflict"],
        ["conflicts decide --variant", "conflicts decide --entities"],
    ),
    "duplicates.withdraw": (["withdraw_decision"], ["conflicts withdraw"]),
}

READ: dict[str, Ways] = {
    "projects.projects": (["list_projects"], ["project list"]),
    "project.project": (
        [
            "show_project",
            "show_overview",
            "list_versions",
            "show_version",
            "list_runs",
            "show_run",
            "run_course",
        ],
        ["project show", "models list", "models runs", "models course"],
    ),
    "project.export": (["download_gold"], ["export"]),
    "models.show": (
        ["list_versions", "list_runs", "run_course"],
        ["models list", "models runs", "models course"],
    ),
    "models.version": (["show_version", "version_scores"], ["models report"]),
    "models.compare": (["compare_versions"], ["models compare"]),
    "models.download": (["download_version"], ["models download"]),
    "forecast.show": (["show_forecast"], ["forecast --target"]),
    "jobs.show": (["list_jobs", "show_workers"], ["jobs list"]),
    "model_errors.show": (["list_differences"], ["errors list"]),
    "model_errors.document": (["list_differences"], ["errors list"]),
    "doubts.show": (["list_doubts", "show_look"], ["doubts list"]),
    "doubts.doubt": (["list_doubts"], ["doubts list"]),
    "sent_back.show": (
        ["list_sent_doubts", "list_sent_differences"],
        ["doubts sent", "errors sent"],
    ),
    "evidence.find": (["show_evidence"], ["evidence"]),
    "evidence.show": (["show_evidence"], ["evidence"]),
    "evidence.span": (["show_evidence"], ["evidence"]),
    "autolabel.show": (
        ["list_autolabels", "autolabel_status", "list_promises"],
        ["autolabel list", "autolabel status", "autolabel promise", "autolabel audit"],
    ),
    "releases.show": (["list_releases"], ["release list"]),
    "releases.release": (["show_release", "release_card", "release_manifest"], ["release show"]),
    "releases.file": (["download_release_file"], ["release download --file"]),
    "releases.everything": (["download_release"], ["release download"]),
    "releases.download": (["export_release"], ["release export --format"]),
    "releases.compare": (["show_release_job"], ["release diff"]),
    "annotators.show": (["list_annotators"], ["annotators"]),
    "annotators.agreement": (
        ["show_agreement", "list_pairs", "list_disagreements", "list_waiting"],
        ["annotators", "shared list"],
    ),
    "project_settings.show": (["show_settings"], ["project show"]),
    "selection.show": (["show_selection", "list_queue", "list_batches"], ["selection --next"]),
    "replay.show": (["list_replays"], ["replays list"]),
    "replay.one": (["show_replay"], ["replays show"]),
    "replay.curves": (["show_replay"], ["replays show"]),
    "labels.show": (
        ["label_balance", "what_if", "list_mappings", "list_findings"],
        ["labels balance", "labels what-if", "labels mappings", "surface-forms"],
    ),
    "duplicates.show": (["list_findings", "list_copies"], ["duplicates list", "conflicts list"]),
    "duplicates.group": (["show_conflicts", "list_copies"], ["duplicates show", "conflicts show"]),
    "accounts.show": (["list_accounts"], ["user list"]),
    "tokens.show": (["list_tokens"], ["token list", "token scopes"]),
    "audit.of_all": (["list_audit_log"], ["audit-log"]),
    "audit.of_project": (["list_changes"], ["audit-log --project"]),
    "members.show": (["list_members"], ["members list"]),
    "connection.show": (["show_project"], ["project show"]),
}
BOTH = CHANGED | READ


@pytest.fixture
def app(settings: Settings, database: object) -> Flask:
    return create_app(settings)


def pages(app: Flask, method: str) -> set[str]:
    """The endpoints of pages that take a method, without what only browsers need."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ())
        and not isinstance(ALLOWED[rule.endpoint], Scope)
        and rule.endpoint.partition(".")[0] not in ("webhooks", "health")
        and not rule.endpoint.endswith("live")  # a part of its page
    } - set(OF_BROWSERS)


def test_every_form_of_the_pages_is_in_the_table(app: Flask) -> None:
    assert pages(app, "POST") == set(CHANGED)


def test_every_page_is_in_the_table(app: Flask) -> None:
    assert pages(app, "GET") == set(READ)


def test_each_operation_that_is_named_is_there() -> None:
    there = {one.name: one for one in OPERATIONS}
    named = {name for operations, _commands in BOTH.values() for name in operations}
    assert named - set(there) == set()
    assert [page for page, (operations, _commands) in BOTH.items() if not operations] == []
    looking = {"connection.test"}
    for page, (operations, _commands) in CHANGED.items():
        assert all(there[one].acts for one in operations) == (page not in looking), page


def test_each_command_that_is_named_is_there_and_tells_programs() -> None:
    for page, (_operations, commands) in BOTH.items():
        for told in commands:
            path, _space, option = told.partition(" --")
            options = _options(path.split())
            assert options is not None, f"{page}: there is no command {path}"
            assert {"--json", *([f"--{option}"] if option else [])} <= options, f"{page}: {told}"
    assert [page for page, (_operations, commands) in BOTH.items() if not commands] == []


def test_an_operation_asks_for_the_role_of_the_pages_that_show_the_same() -> None:
    pages_of = defaultdict(set)
    for page, (operations, _commands) in BOTH.items():
        for operation in operations:
            pages_of[operation].add(ALLOWED[page])
    wrong = {
        operation
        for operation, roles in pages_of.items()
        if ROLE_OF_SCOPE[ALLOWED[f"rest.{operation}"]] != min(roles, key=ROLES.index)
    }
    assert wrong == set(STRICTER)


def _options(path: list[str]) -> set[str] | None:
    """The options of a command, None where there is none of this name."""
    found: click.Command | None = goldloop
    for name in path:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
        if found is None:
            return None
    assert found is not None
    return {option for one in found.params for option in (*one.opts, *one.secondary_opts)}
