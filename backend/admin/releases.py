"""The pages of releases: build one, its card and checksums, compare two, download in any format."""

from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import Piece, Shown, coloured
from backend.admin.folder_download import download as sent_folder
from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.release_download import converted, losses
from backend.admin.words.format_words import FORMAT_WORDS
from backend.admin.words.told import sentence_of
from backend.db import releases
from backend.db.projects import project_by_key
from backend.db.tables import Project
from backend.db.tables_of_releases import Release
from backend.errors import ConflictError, GoldloopError, InvalidInputError, NotFoundError
from backend.loop import release_jobs
from backend.opened import opened
from backend.workflow.formats.format import WriteOptions
from backend.workflow.formats.registry import writable_format
from backend.workflow.releases.content import SPLITS
from backend.workflow.releases.diff import KINDS
from backend.workflow.releases.filters import read_filters
from backend.workflow.releases.make import Wish
from backend.workflow.releases.manifest import (
    MANIFEST,
    Manifest,
    file_of_release,
    read_manifest,
)

POLL_BUSY, POLL_IDLE = 1000, 10_000  # milliseconds between two looks
SHOWN = 50  # changed documents of a comparison

releases_page = Blueprint("releases", __name__, url_prefix="/projects/<key>/releases")


@releases_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The releases, newest first, and what the next one would be made of."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = releases.newest_releases(
            session, project.id, before=asked_after(), limit=PAGE_SIZE + 1
        )
    page = page_of(found, lambda release: release.number)
    return render_template(
        "releases.html", project=project, page=page, **_moving(key, release_jobs.MAKE)
    )


@releases_page.get("/live")
def live(key: str) -> ResponseReturnValue:
    """The job that makes a release, for the script that polls it."""
    return _job_now(key, release_jobs.MAKE)


@releases_page.post("")
def build(key: str) -> ResponseReturnValue:
    """Have the next release made."""
    form = request.form
    filters = read_filters(
        {
            "people_only": form.get("people_only") == "yes",
            "min_agreement": form.get("min_agreement") or None,
            "labels": form.getlist("labels") or None,
            "since": form.get("since") or None,
            "until": form.get("until") or None,
        }
    )
    wish = Wish(asked_by(), filters, form.get("note", ""), form.get("licence", ""))
    release_jobs.ask_make(opened(), key, wish)
    return _answer(key, _("The release is being made."), "done")


@releases_page.get("/<int:number>")
def release(key: str, number: int) -> ResponseReturnValue:
    """One release: its data card, its files with their checksums, and what it can be written as."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        its = releases.release_by_number(session, project.id, number)
        others = releases.newest_releases(session, project.id, before=0, limit=PAGE_SIZE)
    folder = Path(its.folder)
    manifest = read_manifest(folder)
    return render_template(
        "release.html",
        project=project,
        release=its,
        others=[one.number for one in others if one.number != number],
        manifest=manifest,
        card=orjson.loads((folder / "card.json").read_bytes()),
        files={**manifest["files"], MANIFEST: _manifest_facts(its, folder)},
        formats=FORMAT_WORDS,
        splits=SPLITS,
        **_moving(key, f"verify-{number}"),
    )


@releases_page.get("/<int:number>/live")
def verify_live(key: str, number: int) -> ResponseReturnValue:
    """The job that verifies a release, for the script that polls it."""
    return _job_now(key, f"verify-{number}")


@releases_page.post("/<int:number>/verify")
def verify(key: str, number: int) -> ResponseReturnValue:
    """Have every byte, entity, count and split of a release checked."""
    release_jobs.ask_verify(opened(), key, number, asked_by())
    return redirect(url_for("releases.release", key=key, number=number), code=303)


@releases_page.post("/jobs/<name>/cancel")
def cancel(key: str, name: str) -> ResponseReturnValue:
    """Stop a job about releases."""
    release_jobs.cancel(opened(), key, name, asked_by())
    return _answer(key, _("The job is asked to stop; nothing is left of what it began."), "done")


@releases_page.get("/<int:number>/files/<name>")
def file(key: str, number: int, name: str) -> Response:
    """One file of a release as it is."""
    folder, _manifest, _project = _opened(key, number)
    path = file_of_release(folder, name)
    return send_file(path, as_attachment=True, download_name=f"{key}-{number}-{name}")


@releases_page.get("/<int:number>/all.tar")
def everything(key: str, number: int) -> Response:
    """The release's folder, which `goldloop release verify --folder` proves anywhere."""
    folder, _manifest, _project = _opened(key, number)
    return sent_folder(folder, f"{key}-{number}")


@releases_page.get("/<int:number>/download")
def download(key: str, number: int) -> Response:
    """The release, or one split of it, in a format; or what that format cannot hold."""
    folder, manifest, project = _opened(key, number)
    format = writable_format(request.args.get("format", "jsonl"))
    split = request.args.get("split", "")
    if split and split not in SPLITS:
        raise NotFoundError("split", split)
    options = WriteOptions(tuple(manifest["labels"]), project.label_config)
    splits = (split,) if split else SPLITS
    name = "-".join(filter(None, (key, str(number), split, format.NAME)))
    send = losses if "losses" in request.args else converted
    return send(folder, splits, format, options, name)


@releases_page.get("/compare")
def compare(key: str) -> ResponseReturnValue:
    """What changed from one release to another."""
    return render_template("release_compare.html", **_compared(key))


@releases_page.get("/compare/live")
def compare_live(key: str) -> ResponseReturnValue:
    """The same without the page around it, for the script that polls it."""
    return render_template("_release_compare.html", **_compared(key))


@releases_page.post("/compare")
def begin_compare(key: str) -> ResponseReturnValue:
    """Have two releases compared."""
    before, after = (request.form.get(name, 0, type=int) for name in ("before", "after"))
    release_jobs.ask_compare(opened(), key, before, after, asked_by())
    return redirect(url_for("releases.compare", key=key, before=before, after=after), code=303)


@releases_page.errorhandler(InvalidInputError)
@releases_page.errorhandler(ConflictError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    return _answer(request.view_args["key"], sentence_of(error), "error")


def _opened(key: str, number: int) -> tuple[Path, Manifest, Project]:
    with opened().database.read() as session:
        project = project_by_key(session, key)
        folder = Path(releases.release_by_number(session, project.id, number).folder)
    return folder, read_manifest(folder), project


def _job_now(key: str, name: str) -> str:
    with opened().database.read() as session:
        project = project_by_key(session, key)
    return render_template("_release_job.html", project=project, **_moving(key, name))


def _moving(key: str, name: str) -> dict[str, Any]:
    job = release_jobs.job(opened(), key, name)
    busy = job is not None and job.result is None
    return {"job": job, "busy": busy, "poll": POLL_BUSY if busy else POLL_IDLE}


def _manifest_facts(release: Release, folder: Path) -> dict[str, object]:
    size = (folder / MANIFEST).stat().st_size
    return {"sha256": release.manifest_digest, "bytes": size, "lines": None}


def _compared(key: str) -> dict[str, Any]:
    before, after = (request.args.get(name, 0, type=int) for name in ("before", "after"))
    moving = _moving(key, release_jobs.compare_name(before, after))
    job = moving["job"]
    found = job.result.figures if job is not None and job.result is not None else {}
    with opened().database.read() as session:
        project = project_by_key(session, key)
        for number in (before, after):
            releases.release_by_number(session, project.id, number)
        changed = _changed(session, project, found["documents"]["changed"]) if found else []
    numbers = {"before": before, "after": after}
    return (
        {"project": project, "found": found, "changed": changed, "kinds": KINDS} | numbers | moving
    )


def _changed(
    session: Session, project: Project, records: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], list[str | Piece]]]:
    """Changed documents with their text as it is, what became of each entity marked in it."""
    shown = records[:SHOWN]
    found = releases.texts(session, project.id, [one["id"] for one in shown])
    return [
        (one, coloured(found[one["id"]], _marks(one), project.labels))
        if one["id"] in found and "text" not in one
        else (one, [])
        for one in shown
    ]


def _marks(record: dict[str, Any]) -> list[Shown]:
    marks = []
    for one in record.get("entities", ()):
        start, end = one["to"] if one["change"] == "moved" else (one["start"], one["end"])
        note = f"← {one['label']}" if one["change"] == "relabelled" else ""
        label = one["to"] if one["change"] == "relabelled" else one["label"]
        marks.append(Shown(start, end, label, one["change"], note))
    return marks


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("releases.show", key=key), code=303)
