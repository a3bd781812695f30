"""What each job of the queues is called, and by what it tells which project it is about."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from backend.clients.queue_jobs import QueuedJob
from backend.db import job_owners
from backend.db.tables import Project
from ml_backend.contract.messages import (
    DOUBTS_JOB,
    PREDICT_FILE_JOB,
    REQUEST_TRAINING_JOB,
    TRAIN_JOB,
)


class Given(StrEnum):
    """What a job's first argument is."""

    NOTHING = "nothing"  # it is about all projects
    PROJECT = "project"
    KEY = "key"  # of a project
    RUN = "run"
    PUBLICATION = "publication"
    AUTOLABEL = "autolabel"
    DOUBTS = "doubts"
    FOLDER = "folder"  # whose request names the project


_BACKEND: dict[str, tuple[LazyString, Given]] = {
    "drain_inbox": (_l("Read annotations from Label Studio"), Given.NOTHING),
    "advance_run": (_l("Lead a training run on"), Given.RUN),
    "advance_publication": (_l("Lead a publication on"), Given.PUBLICATION),
    "start_autolabel": (_l("Begin an autolabel run"), Given.PROJECT),
    "advance_autolabel": (_l("Lead an autolabel run on"), Given.AUTOLABEL),
    "autolabel_champion": (_l("Autolabel with the new champion"), Given.PROJECT),
    "top_up": (_l("Top up the open tasks"), Given.PROJECT),
    "preannotate": (_l("Pre-label new tasks"), Given.PROJECT),
    "find_near": (_l("Look for near copies"), Given.PROJECT),
    "survey": (_l("Look over gold and copies"), Given.PROJECT),
    "read_mentions": (_l("Read the strings of gold"), Given.PROJECT),
    "compare_gold": (_l("Compare gold with the champion"), Given.PROJECT),
    "find_doubts": (_l("Lead a look for label errors on"), Given.DOUBTS),
    "release_job": (_l("Make or compare releases"), Given.KEY),
    "advance_replay": (_l("Lead a replay on"), Given.KEY),
    "label_copies": (_l("Give copies their originals' gold"), Given.PROJECT),
    "sync": (_l("Compare with Label Studio"), Given.PROJECT),
    "clean_up": (_l("Remove old predictions"), Given.PROJECT),
    "sync_projects": (_l("Compare every project with Label Studio"), Given.NOTHING),
    "clean_up_projects": (_l("Clean up every project"), Given.NOTHING),
    "tick": (_l("Look after everything that is under way"), Given.NOTHING),
}
JOBS: dict[str, tuple[LazyString, Given]] = {
    **{f"backend.jobs.{name}": told for name, told in _BACKEND.items()},
    REQUEST_TRAINING_JOB: (_l("Ask for a training run"), Given.KEY),
    TRAIN_JOB: (_l("Train a version"), Given.FOLDER),
    DOUBTS_JOB: (_l("Look for label errors"), Given.FOLDER),
    PREDICT_FILE_JOB: (_l("Tag documents"), Given.FOLDER),
}


@dataclass(frozen=True, slots=True)
class TitledJob:
    """A job with its name; `shared` when it is about every project."""

    job: QueuedJob
    title: LazyString | str
    shared: bool


def jobs_of_project(
    session: Session, project: Project, jobs: Sequence[QueuedJob]
) -> list[TitledJob]:
    """The jobs that are about a project, and those that are about all, in their order."""
    numbers = {
        given: {job.args[0] for job in jobs if _given(job) == given and job.args}
        for given in (Given.RUN, Given.PUBLICATION, Given.AUTOLABEL, Given.DOUBTS)
    }
    asked = (
        (Given.RUN, job_owners.projects_of_runs),
        (Given.PUBLICATION, job_owners.projects_of_publications),
        (Given.AUTOLABEL, job_owners.projects_of_autolabel_runs),
        (Given.DOUBTS, job_owners.projects_of_doubt_runs),
    )
    ours: dict[Given, Collection[int]] = {
        given: {
            number
            for number, owner in (owners(session, numbers[given]) if numbers[given] else {}).items()
            if owner == project.id
        }
        for given, owners in asked
    }
    found = []
    for job in jobs:
        given = _given(job)
        if given == Given.NOTHING or _is_ours(job, given, project, ours):
            title = JOBS[job.job][0] if job.job in JOBS else job.job
            found.append(TitledJob(job, title, shared=given == Given.NOTHING))
    return found


def _given(job: QueuedJob) -> Given:
    return JOBS[job.job][1] if job.job in JOBS else Given.NOTHING


def _is_ours(
    job: QueuedJob, given: Given, project: Project, ours: dict[Given, Collection[int]]
) -> bool:
    first = job.args[0] if job.args else None
    if given == Given.PROJECT:
        return bool(first == project.id)
    if given == Given.KEY:
        return bool(first == project.key)
    if given == Given.FOLDER:
        return job.folder is not None and _key_in(job) == project.key
    return first in ours[given]


def _key_in(job: QueuedJob) -> str:
    """The project that a job folder's request names; empty when the folder is gone."""
    assert job.folder is not None
    try:
        request = json.loads((job.folder.path / "request.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(request.get("project_key", ""))
