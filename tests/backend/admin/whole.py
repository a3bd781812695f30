"""An installation in which every page has something to show, and the address of each page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Flask, url_for
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.admin.frame.navigation import SECTIONS
from backend.admin.frame.permissions import ALLOWED
from backend.context import open_context
from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.audit_log import record
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.scopes import Scope
from backend.db.session import Database
from backend.db.tables import Document, Gold, Project, Role, Run, RunState, TaskState
from backend.db.tables_of_doubts import Doubt
from backend.db.tables_of_errors import DifferingDocument
from backend.db.tables_of_review import Verdict
from backend.db.versions import locked_project
from backend.loop import release_jobs
from backend.loop.survey import take_survey
from backend.settings import Settings
from backend.workflow.releases.make import Wish
from backend.workflow.review.decide import decide
from backend.workflow.review.kinds import DOUBTS, ERRORS
from ml_backend.contract.messages import JobFolder, Result
from tests.backend.admin.browsing import CURATOR
from tests.backend.admin.doubt_data import begin_run, find_doubts
from tests.backend.admin.error_data import find_errors
from tests.backend.admin.evidence_data import add_evidence
from tests.backend.admin.filled import LONG, add_project
from tests.backend.admin.filled_queue import KEY, add_queue
from tests.backend.admin.gold_data import PERSON, PLACE, add_gold_documents
from tests.backend.admin.model_data import leave_course, leave_reports
from tests.backend.admin.people_data import add_shared_work
from tests.backend.admin.replay_data import measured
from tests.backend.admin.selection_data import add_batches
from tests.backend.workflow.releases.gold import add_project as add_released
from tests.backend.workflow.releases.gold import import_gold, lines, release

GOLD = "gold"  # the project of labels, duplicates and batches
FILES = {  # routes that answer with a file, or send on
    *("project.export", "models.download", "replay.curves"),
    *("releases.file", "releases.everything", "releases.download"),
}


def fill_whole(settings: Settings, database: Database) -> None:
    """Fill what `filled` left empty: `general` with people's and models' work; beside it the
    projects `gold`, `queue` and `p`, each with what the others cannot have at the same time.
    `empty` stays as it is.
    """
    with database.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    add_evidence(database)
    leave_reports(database, settings.jobs)
    find_errors(database)
    find_doubts(database)
    with database.write() as session:
        _send_back(session)
        _change(session)
        add_queue(session, add_project(session, KEY, "자동 라벨"))
        gold = add_project(session, GOLD, "병원 진료기록 개체명")
        documents = add_gold_documents(session, gold)
        documents[2].near_id = documents[3].near_id = documents[2].id
        add_batches(session, gold)
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        gold_id = gold.id
    leave_course(JobFolder(Path(run.folder)), 400)
    begin_run(database)
    take_survey(database, gold_id)
    measured(settings.jobs, 1, Result("done"), key=GOLD)
    measured(settings.jobs, 2, Result("failed", "round 2, train: the disk is full"), key=GOLD)
    measured(settings.jobs, 3, None, key=GOLD)
    _release(settings, database)


def fill_queues(settings: Settings) -> None:
    """Jobs of `general` that wait and one that failed, and a worker; Redis has to be there."""
    context = open_context(settings)
    with context.database.read() as session:
        project_id = project_by_key(session, "general").id
    context.queue.ring(
        "default", "backend.jobs.sync", project_id, "one", "too many", job_id="broken"
    )
    worker = SimpleWorker(
        ["default"],
        connection=Redis.from_url(context.queue.redis_address),
        name="default-machine-4711-a0b1c2",
    )
    worker.work(burst=True, logging_level="CRITICAL")
    worker.register_birth()
    context.queue.ring("default", "backend.jobs.top_up", project_id)
    context.queue.ring("train", "backend.jobs.tick")


def whole_pages(app: Flask, database: Database) -> dict[str, str]:
    """Name → address: each page of `fill_whole`, of the empty project too, and one not there.

    Raises AssertionError for a route with a page that is not among them.
    """
    with app.test_request_context():
        its = app.url_map.is_endpoint_expecting
        pages = [
            *((name, endpoint, {"key": "general", **given}) for name, endpoint, given in _FULL),
            *((name, *address) for name, address in _numbered(database).items()),
            *(
                (f"{section}-{key}", endpoint, {"key": key})
                for key in ("general", "empty")
                for section, (endpoint, _title) in SECTIONS.items()
            ),
        ]
        lacking = _with_a_page(app) - {endpoint for _name, endpoint, _given in pages}
        assert not lacking, f"no address of {lacking}"
        found = {
            name: url_for(
                endpoint, **{k: v for k, v in given.items() if k != "key" or its(endpoint, "key")}
            )
            for name, endpoint, given in pages
        }
    return {**found, "not-there": "/projects/none"}


_FULL: Sequence[tuple[str, str, Mapping[str, object]]] = (
    ("projects", "projects.projects", {}),
    ("password", "login.password", {}),
    ("accounts", "accounts.show", {}),
    ("tokens", "tokens.show", {}),
    ("changes", "audit.of_all", {}),
    ("api", "api_documentation.show", {}),
    ("labels-full", "labels.show", {"key": GOLD, "min_support": 3}),
    ("labels-foreseen", "labels.show", {"key": GOLD, "label": PERSON, "into": PLACE}),
    ("selection-full", "selection.show", {"key": GOLD}),
    ("replays", "replay.show", {"key": GOLD}),
    ("replays-empty", "replay.show", {"key": "empty"}),
    ("replay-done", "replay.one", {"key": GOLD, "number": 1}),
    ("replay-failed", "replay.one", {"key": GOLD, "number": 2}),
    ("replay-running", "replay.one", {"key": GOLD, "number": 3}),
    ("model", "models.version", {"version": "v3"}),
    ("models-compare", "models.compare", {"first": "v1", "second": "v3"}),
    ("forecast", "forecast.show", {"target": "0.9"}),
    ("forecast-empty", "forecast.show", {"key": "empty"}),
    ("doubts", "doubts.show", {}),
    ("doubts-empty", "doubts.show", {"key": "empty"}),
    ("sent", "sent_back.show", {}),
    ("sent-empty", "sent_back.show", {"key": "empty"}),
    ("evidence-find", "evidence.find", {"task": 99999}),
    ("duplicates-full", "duplicates.show", {"key": GOLD}),
    ("duplicates-near", "duplicates.show", {"key": GOLD, "show": "near-group"}),
    ("duplicates-decisions", "duplicates.show", {"key": GOLD, "show": "decisions"}),
    ("autolabel-full", "autolabel.show", {"key": KEY}),
    ("agreement", "annotators.agreement", {}),
    ("agreement-empty", "annotators.agreement", {"key": "empty"}),
    ("releases-full", "releases.show", {"key": "p"}),
    ("release", "releases.release", {"key": "p", "number": 2}),
    ("releases-compare", "releases.compare", {"key": "p", "before": 1, "after": 2}),
    ("connection", "connection.show", {}),
    ("members", "members.show", {}),
    ("members-empty", "members.show", {"key": "empty"}),
    ("project-changes", "audit.of_project", {}),
)
"""Name of a page, its endpoint and what its address holds; the key where the endpoint takes one."""


def _numbered(database: Database) -> dict[str, tuple[str, Mapping[str, object]]]:
    """The pages of one thing each, whose numbers the database knows."""
    of_general = select(Document.id).join(Project).where(Project.key == "general")
    wanted = {
        "error": select(DifferingDocument.document_id).order_by(
            DifferingDocument.document_id.desc()
        ),
        "doubt": select(Doubt.id).where(Doubt.verdict == "").order_by(Doubt.rank),
        "doubt-sent": select(Doubt.id).where(Doubt.verdict == Verdict.SENT),
        "evidence": of_general.where(Document.task_state == TaskState.OPEN).order_by(Document.id),
        "evidence-silent": of_general.where(Document.task_state.is_(None)),
        "group": select(Document.id).where(Document.external_id == "gold-0"),
    }
    with database.read() as session:
        number = {name: session.scalars(its.limit(1)).one() for name, its in wanted.items()}
    here = {"key": "general"}
    span = {"document_id": number["evidence"], "start": 0, "stop": 3}
    return {
        "error": ("model_errors.document", {**here, "number": number["error"]}),
        "doubt": ("doubts.doubt", {**here, "number": number["doubt"]}),
        "doubt-sent": ("doubts.doubt", {**here, "number": number["doubt-sent"]}),
        "evidence": ("evidence.show", {**here, "document_id": number["evidence"]}),
        "evidence-span": ("evidence.span", {**here, **span}),
        "evidence-silent": ("evidence.show", {**here, "document_id": number["evidence-silent"]}),
        "duplicates-group": ("duplicates.group", {"key": GOLD, "document_id": number["group"]}),
    }


def _with_a_page(app: Flask) -> set[str]:
    """The routes that show a page to somebody who is signed in."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and isinstance(ALLOWED[rule.endpoint], Role)
        and not rule.endpoint.endswith("live")
        and rule.endpoint not in FILES
    }


def _send_back(session: Session) -> None:
    """One doubt and one error go back to people."""
    project = locked_project(session, project_by_key(session, "general").id)
    doubt = session.scalars(select(Doubt).order_by(Doubt.rank.desc())).first()
    error = session.scalars(select(DifferingDocument)).first()
    assert doubt is not None
    assert error is not None
    asked = (
        (DOUBTS, doubt.id, doubt.gold_revision),
        (ERRORS, error.document_id, error.gold_revision),
    )
    for kind, number, revision in asked:
        decide(session, project, kind, number, revision, Verdict.SENT, CURATOR)


def _change(session: Session) -> None:
    """Members, tokens, and changes with long names."""
    project = project_by_key(session, "general")
    for number in range(1, 5):
        note_member(session, project.id, number)
    curator = existing_account(session, CURATOR)
    make_token(session, curator, "밤 백업", [Scope.GOLD_READ], made_by=CURATOR)
    record(
        session,
        f"{LONG} (token 밤마다 내려받는 백업)",
        "settings.change",
        project_id=project.id,
        subject="general",
        before={"gate_margin": 0.02, "training.encoder": "monologg/koelectra-base-v3"},
        after={"gate_margin": 0.05, "training.encoder": "builtin"},
    )


def _release(settings: Settings, database: Database) -> None:
    """Two releases, of which the second has lost an entity; one is verified, both are compared."""
    add_released(database)
    import_gold(database, settings.goldloop_home, lines(40))
    release(database, settings)
    with database.write() as session:
        project = project_by_key(session, "p")
        gold = session.scalars(select(Gold).where(Gold.project_id == project.id)).first()
        assert gold is not None
        project.gold_revision += 1
        gold.entities, gold.revision = gold.entities[:1], project.gold_revision
    release(database, settings)
    context = open_context(settings)
    release_jobs.ask_verify(context, "p", 2, CURATOR)
    release_jobs.run(context, "p", "verify-2")
    release_jobs.ask_compare(context, "p", 1, 2, CURATOR)
    release_jobs.run(context, "p", release_jobs.compare_name(1, 2))
    release_jobs.ask_make(context, "p", Wish(CURATOR))  # this one waits
