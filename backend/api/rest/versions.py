"""Versions: what each is worth, any two compared, their files, and which of them is served."""

from datetime import datetime

from flask import Response
from pydantic import Field

from backend.api.rest.archive import ARCHIVE, archive
from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Json, Key, Page, Paged, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db import versions as queries
from backend.db.projects import project_by_key
from backend.db.tables import Run, Version
from backend.errors import NotFoundError
from backend.loop import publication
from backend.opened import opened
from backend.workflow.versions.report import version_difference, version_report
from ml_backend.contract.messages import DEFAULT_QUEUE

ADVANCE_PUBLICATION = "backend.jobs.advance_publication"

versions = Operations("Versions")


class VersionTold(Told):
    """One set of weights."""

    id: int
    name: str
    state: str
    figures: Json = Field(description="what its training and gate measured")
    created_at: datetime


class ReportTold(Told):
    """What a version is worth on one part of gold, in full; intervals are of a bootstrap."""

    part: str = Field(description="gate, or dev where the gate had no gold")
    documents: int
    scores: Json
    intervals: Json
    mistakes: Json
    calibration: Json


class ScoreDifference(Told):
    """A version's scores less another's, on gate documents whose gold both saw alike."""

    documents: int
    intervals: Json | None = Field(description="null where there is no such document")


class PublicationTold(Told):
    """A version on its way to being served."""

    id: int
    state: str
    asked_by: str
    reason: str
    created_at: datetime


class Going(Strict):
    """The version to serve."""

    version: Word


@versions.get("/projects/{key}/versions")
def list_versions(key: Key, query: Paged) -> Page[VersionTold]:
    """Every version, the newest first."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = queries.newest_versions(session, number, before=query.start, limit=query.limit + 1)
        return page(found, query.limit, key=lambda one: one.id, told=VersionTold.model_validate)


@versions.get("/projects/{key}/versions/{name}")
def show_version(key: Key, name: Word) -> VersionTold:
    """One version."""
    return VersionTold.model_validate(_version(key, name)[0])


@versions.get("/projects/{key}/versions/{name}/report")
def version_scores(key: Key, name: Word) -> ReportTold:
    """What a version is worth, label by label, as its training and gate left it."""
    report = version_report(_version(key, name)[1])
    if report is None:
        raise NotFoundError("report of version", name)
    return ReportTold(
        part=report.part,
        documents=report.documents,
        scores=report.scores.to_dict(),
        intervals=report.intervals.to_dict(),
        mistakes=dict(report.mistakes),
        calibration=dict(report.calibration),
    )


@versions.get("/projects/{key}/versions/{name}/difference/{other}")
def compare_versions(key: Key, name: Word, other: Word) -> ScoreDifference:
    """What a version's scores are less those of another, label by label."""
    found = version_difference(_version(key, other)[1], _version(key, name)[1])
    if found is None:
        return ScoreDifference(documents=0, intervals=None)
    return ScoreDifference(documents=found.documents, intervals=found.intervals.to_dict())


@versions.get("/projects/{key}/versions/{name}/archive", download=ARCHIVE)
def download_version(key: Key, name: Word) -> Response:
    """Its folder in the model store: weights, options, all that serving needs."""
    _version(key, name)
    folder = opened().models.version_folder(key, name)
    if not folder.is_dir():
        raise NotFoundError("version in the model store", name)
    return archive(folder, f"{key}-{name}")


@versions.post("/projects/{key}/publications", status=202)
def publish_version(key: Key, body: Going) -> PublicationTold:
    """Serve a version: a new one, or an earlier one again, which is a rollback.

    Workers do the work.
    """
    began = publication.open_for(opened(), key, body.version, asked_by())
    opened().queue.ring(DEFAULT_QUEUE, ADVANCE_PUBLICATION, began.id)
    return PublicationTold.model_validate(began)


def _version(key: str, name: str) -> tuple[Version, Run | None]:
    with opened().database.read() as session:
        found = queries.version_by_name(session, project_by_key(session, key).id, name)
        return found, queries.run_of_version(session, found.id)
