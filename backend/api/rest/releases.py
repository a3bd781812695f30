"""Releases: made and verified by jobs, compared, and read in every format."""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
from flask import Response, send_file
from pydantic import AwareDatetime, Field

from backend.api.rest.archive import ARCHIVE, archive
from backend.api.rest.asking import asked_by
from backend.api.rest.fields import (
    Json,
    Key,
    Page,
    Paged,
    Sentence,
    Share,
    Strict,
    Told,
    Word,
    page,
)
from backend.api.rest.operation import Download, Operations
from backend.db import releases as queries
from backend.db.projects import project_by_key
from backend.db.tables import Part
from backend.db.tables_of_releases import Release
from backend.errors import InvalidInputError, NotFoundError
from backend.loop import release_jobs
from backend.opened import opened
from backend.workflow.formats.format import WriteOptions
from backend.workflow.formats.registry import writable_format
from backend.workflow.releases.content import SPLITS
from backend.workflow.releases.export import LOSSES, export_documents
from backend.workflow.releases.filters import read_filters
from backend.workflow.releases.make import Wish
from backend.workflow.releases.manifest import file_of_release, read_manifest
from backend.workflow.releases.read import released_documents

releases = Operations("Releases")

PIECE = 256 * 1024  # bytes
OCTETS = Download("application/octet-stream")

Number = Annotated[int, Field(ge=1, le=10**9)]
JobName = Annotated[str, Field(pattern=r"^(make|verify-\d{1,9}|compare-\d{1,9}-\d{1,9})$")]
FileName = Annotated[str, Field(pattern=r"^[a-z]{1,20}(\.[a-z]{1,20}){1,2}$")]


class ReleaseTold(Told):
    """One frozen, numbered gold dataset."""

    number: int
    digest: str
    filters: Json
    counts: Json
    made_by: str
    note: str
    created_at: datetime


class NewRelease(Strict):
    """Which gold to freeze; all of it where nothing is said."""

    people_only: bool = False
    min_agreement: Share | None = None
    labels: Annotated[list[Word], Field(max_length=500)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    note: Sentence = ""
    licence: Annotated[Sentence, Field(max_length=200)] = ""


class ReleaseJobTold(Told):
    """A job about releases: under way while `state` is null."""

    name: str
    state: str | None
    reason: str
    done: int
    total: int
    figures: Json


class Comparing(Strict):
    """Two releases."""

    before: Number
    after: Number


class WantedFormat(Strict):
    """How to write a release."""

    format: Annotated[Word, Field(description="a name of `/formats` that is written")] = "jsonl"
    split: list[Part] = Field(default_factory=list, description="only these")
    losses: Annotated[
        bool, Field(description="instead, what it cannot hold: a JSON object a line")
    ] = False


@releases.get("/projects/{key}/releases")
def list_releases(key: Key, query: Paged) -> Page[ReleaseTold]:
    """Every release, the newest first."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = queries.newest_releases(session, number, before=query.start, limit=query.limit + 1)
        return page(found, query.limit, key=lambda one: one.number, told=ReleaseTold.model_validate)


@releases.post("/projects/{key}/releases", status=202)
def make_release(key: Key, body: NewRelease) -> ReleaseJobTold:
    """Let a job freeze the gold as it is now; ask for the job `make` to see how far it is."""
    given = body.model_dump(exclude={"note", "licence"}, exclude_none=True)
    wish = Wish(asked_by(), read_filters(given), body.note, body.licence)
    release_jobs.ask_make(opened(), key, wish)
    return _job(key, release_jobs.MAKE)


@releases.get("/projects/{key}/releases/{number}")
def show_release(key: Key, number: Number) -> ReleaseTold:
    """One release."""
    return ReleaseTold.model_validate(_row(key, number))


@releases.get("/projects/{key}/releases/{number}/card")
def release_card(key: Key, number: Number) -> Json:
    """Its data card."""
    path = Path(_row(key, number).folder) / "card.json"
    try:
        card: Json = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        raise InvalidInputError(f"the card of release {number} cannot be read") from None
    return card


@releases.get("/projects/{key}/releases/{number}/manifest")
def release_manifest(key: Key, number: Number) -> Json:
    """Its manifest: the checksum of every file, and what was taken."""
    return read_manifest(Path(_row(key, number).folder))


@releases.get("/projects/{key}/releases/{number}/export", download=OCTETS)
def export_release(key: Key, number: Number, query: WantedFormat) -> Response:
    """The release, or some of its splits, in any format that can be written."""
    row, format = _row(key, number), writable_format(query.format)
    with opened().database.read() as session:
        config = project_by_key(session, key).label_config
    folder = Path(row.folder)
    options = WriteOptions(labels=tuple(read_manifest(folder)["labels"]), label_config=config)
    with tempfile.TemporaryDirectory(prefix="goldloop-export-") as made:
        out = Path(made) / f"{key}-{number}{format.EXTENSIONS[0]}"
        documents = released_documents(folder, tuple(query.split) or SPLITS)
        done = export_documents((one.to_export() for one in documents), format, out, options)
        sent = (done.losses_file or Path(os.devnull)) if query.losses else out
        file = sent.open("rb")  # it lives on when its name is gone

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(PIECE):
                yield piece

    name = f"{out.name}{LOSSES}" if query.losses else out.name
    response = Response(pieces(), mimetype=OCTETS.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@releases.get("/projects/{key}/releases/{number}/archive", download=ARCHIVE)
def download_release(key: Key, number: Number) -> Response:
    """The release's folder, which `goldloop release verify --folder` proves anywhere."""
    folder = Path(_row(key, number).folder)
    read_manifest(folder)
    return archive(folder, f"{key}-{number}")


@releases.get("/projects/{key}/releases/{number}/files/{name}", download=OCTETS)
def download_release_file(key: Key, number: Number, name: FileName) -> Response:
    """One of the release's files as it is; its manifest names them."""
    path = file_of_release(Path(_row(key, number).folder), name)
    return send_file(
        path, OCTETS.media_type, as_attachment=True, download_name=name, conditional=False
    )


@releases.post("/projects/{key}/releases/{number}/verify", status=202)
def verify_release(key: Key, number: Number) -> ReleaseJobTold:
    """Let a job prove that the release is what it says; its job is `verify-NUMBER`."""
    release_jobs.ask_verify(opened(), key, number, asked_by())
    return _job(key, f"verify-{number}")


@releases.post("/projects/{key}/releases/compare", status=202)
def compare_releases(key: Key, body: Comparing) -> ReleaseJobTold:
    """Let a job say what changed between two releases; its job is `compare-BEFORE-AFTER`."""
    release_jobs.ask_compare(opened(), key, body.before, body.after, asked_by())
    return _job(key, release_jobs.compare_name(body.before, body.after))


@releases.post("/projects/{key}/release-jobs/{name}/cancel", status=202)
def cancel_release_job(key: Key, name: JobName) -> ReleaseJobTold:
    """Stop a job: at once while it waits, at its next step while a worker is at it."""
    release_jobs.cancel(opened(), key, name, asked_by())
    return _job(key, name)


@releases.get("/projects/{key}/release-jobs/{name}")
def show_release_job(key: Key, name: JobName) -> ReleaseJobTold:
    """How far a job about releases is, and what it found."""
    with opened().database.read() as session:
        project_by_key(session, key)
    return _job(key, name)


def _row(key: str, number: int) -> Release:
    with opened().database.read() as session:
        return queries.release_by_number(session, project_by_key(session, key).id, number)


def _job(key: str, name: str) -> ReleaseJobTold:
    found = release_jobs.job(opened(), key, name)
    if found is None:
        raise NotFoundError("job about releases", name)
    return ReleaseJobTold(
        name=name,
        state=found.result.state if found.result else None,
        reason=found.result.reason if found.result else "",
        done=found.progress.done if found.progress else 0,
        total=found.progress.total if found.progress else 0,
        figures=dict(found.result.figures) if found.result else {},
    )
