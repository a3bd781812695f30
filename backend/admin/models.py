"""The pages of a project's models: its versions, one of them in full, any two compared."""

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from backend.admin.charts.heat import confusion, difference_rows, score_rows
from backend.admin.charts.model_charts import calibration_chart, course_chart, learning_chart
from backend.admin.folder_download import download as sent_folder
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.project.running import running_publication, running_training
from backend.admin.project.training_choices import CHOICES, ENCODERS
from backend.db import versions
from backend.db.document_counts import count_documents
from backend.db.overview import may_roll_back_to
from backend.db.projects import project_by_key, settings_of
from backend.db.runs import active_run, last_run, waiting_run
from backend.db.tables import Project, Run, RunState, Version
from backend.errors import NotFoundError
from backend.opened import opened, service_states
from backend.workflow.forecasts.learned import learned
from backend.workflow.forecasts.learning_curve import brought
from backend.workflow.versions.figures import VersionFigures, version_figures
from backend.workflow.versions.report import version_difference, version_report
from ml_backend.contract.course import read_course
from ml_backend.contract.messages import TRAIN_QUEUE, JobFolder

POLL_BUSY, POLL_IDLE = 1500, 5000  # milliseconds between two looks
COMPARED = 500  # versions that can be chosen to be compared, whatever part of the list is shown

models_page = Blueprint("models", __name__, url_prefix="/projects/<key>/models")


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version with what the gate said of it."""

    version: Version
    run: Run | None
    figures: VersionFigures | None
    may_return: bool


@models_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The versions, the learning curve, and what trains now."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = versions.newest_versions(
            session, project.id, before=asked_after(), limit=PAGE_SIZE + 1
        )
        page = page_of(found, lambda version: version.id)
        names = versions.version_names(session, project.id, COMPARED)
        runs = versions.runs_of_versions(session, [version.id for version in page.rows])
        waiting = waiting_run(session, project.id)
        points = learned(session, project.id).overall
        gold = count_documents(session, [project.id])[project.id].gold
        moving = _moving(key)
    listed = [_shown(version, runs.get(version.id), project) for version in page.rows]
    expected = brought(points)
    return render_template(
        "models.html",
        settings=settings_of(project),
        page=page,
        listed=listed,
        names=names,
        waiting=waiting,
        gold=gold,
        learning=learning_chart(points, expected) if points else None,
        forecasts=expected,
        choices=CHOICES,
        encoders=ENCODERS,
        **moving,
    )


@models_page.get("/live")
def live(key: str) -> ResponseReturnValue:
    """The part of the page that moves, for the script that polls it."""
    return render_template("_models_live.html", **_moving(key))


@models_page.get("/<version>")
def version(key: str, version: str) -> ResponseReturnValue:
    """One version in full, from the report that its training left."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = versions.version_by_name(session, project.id, version)
        run = versions.run_of_version(session, found.id)
        waiting = waiting_run(session, project.id)
        champion = versions.champion(session, project)
    report = version_report(run)
    course = read_course(JobFolder(Path(run.folder)).course) if run and run.folder else []
    return render_template(
        "model.html",
        project=project,
        settings=settings_of(project),
        shown=_shown(found, run, project),
        champion=champion,
        waiting=waiting if waiting is not None and run and waiting.id == run.id else None,
        report=report,
        rows=score_rows(report) if report else [],
        confusion=confusion(report.mistakes) if report else None,
        calibration=calibration_chart(report.calibration) if report else None,
        course=course_chart(course) if course else None,
        stored=opened().models.version_folder(key, version).is_dir(),
    )


@models_page.get("/compare")
def compare(key: str) -> ResponseReturnValue:
    """What any two versions differ by, label by label."""
    names = [request.args.get(name, "") for name in ("first", "second")]
    with opened().database.read() as session:
        project = project_by_key(session, key)
        both = [versions.version_by_name(session, project.id, name) for name in names]
        runs = versions.runs_of_versions(session, [version.id for version in both])
    shown = [_shown(version, runs.get(version.id), project) for version in both]
    difference = version_difference(shown[0].run, shown[1].run)
    return render_template(
        "models_compare.html",
        project=project,
        shown=shown,
        difference=difference,
        rows=difference_rows(difference.intervals) if difference else [],
    )


@models_page.get("/<version>/download")
def download(key: str, version: str) -> Response:
    """The version's folder in the model store: weights, options, all that serving needs."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        versions.version_by_name(session, project.id, version)
    folder = opened().models.version_folder(key, version)
    if not folder.is_dir():
        raise NotFoundError("version in the model store", version)
    return sent_folder(folder, f"{key}-{version}")


def _moving(key: str) -> dict[str, object]:
    with opened().database.read() as session:
        project = project_by_key(session, key)
        run = active_run(session, project.id)
        newest = run or last_run(session, project.id)
        publication = versions.active_publication(session, project.id)
        published = session.get(Version, publication.version_id) if publication else None
    services = service_states()
    course = read_course(JobFolder(Path(run.folder)).course) if run and run.folder else []
    jobs = [running_training(run)] if run is not None else []
    if publication is not None:
        jobs.append(running_publication(publication, published.name if published else ""))
    bad = (RunState.FAILED, RunState.CANCELLED)
    return {
        "project": project,
        "jobs": jobs,
        "course": course_chart(course) if course else None,
        "failed": newest if newest is not None and newest.state in bad else None,
        "queued": services.waiting.get(TRAIN_QUEUE, 0),
        "workers": services.workers.get(TRAIN_QUEUE, 0),
        "services": services,
        "poll": POLL_BUSY if jobs else POLL_IDLE,
    }


def _shown(version: Version, run: Run | None, project: Project) -> ShownVersion:
    figures = version_figures(version, run)
    return ShownVersion(version, run, figures, may_roll_back_to(version, project))
