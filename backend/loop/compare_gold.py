"""Gold is compared with the champion in chunks, each tagged by a prediction worker."""

import logging
import shutil
from datetime import timedelta
from itertools import takewhile

from backend.context import Context
from backend.db import differences, pool, versions
from backend.db.leases import Held, lease
from backend.db.tables import Project, Version, now
from backend.db.tables_of_errors import Comparison
from backend.workflow import preannotate
from backend.workflow.review import compare_gold as stage
from ml_backend.contract.messages import DEFAULT_QUEUE, PREDICT_FILE_JOB, PREDICT_QUEUE, JobFolder

CHUNK = 1000  # documents
STORED_AT_ONCE = 100  # documents: annotations wait meanwhile
PAUSE = timedelta(minutes=10)  # between two looks at gold that has changed
DIED = "the worker that tagged the gold died"
COMPARE_GOLD = "backend.jobs.compare_gold"

log = logging.getLogger(__name__)


def wanted(context: Context, project_id: int) -> bool:
    """Whether there may be gold that the champion was not compared with, and it is time to look."""
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.champion_id is None:
            return False
        found = differences.comparison_of(session, project_id)
        if found is None or found.version_id != project.champion_id:
            return project.gold_revision > 0
        return found.looked_at + PAUSE <= now() and found.revision <= project.gold_revision


def advance(context: Context, project_id: int) -> int:
    """Take the comparison as far as it can go now; how many documents were compared."""
    done = 0
    with lease(context.database, f"compare-{project_id}") as held:
        while held is not None and (compared := _advance(context, held, project_id)):
            done += compared
    return done


def _advance(context: Context, held: Held, project_id: int) -> int:
    """One chunk: compared where its predictions are there, else asked for."""
    held.renew()
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        version = versions.champion(session, project)
        if version is None or version.name not in context.models.versions(project.key):
            return 0
        comparison = stage.begin(session, project, version)
    with context.database.read() as session:
        chunk = differences.gold_after(
            session, project_id, comparison.revision, comparison.document_id, CHUNK
        )
    if not chunk:  # what there was until we held the project has been compared
        _note(context, project_id, "", compared=project.gold_revision)
        return 0
    folder = _folder(context, project, version, comparison)
    if folder.result() is None:
        if not (folder.path / "request.json").exists():
            documents = [one.document for one in chunk]
            preannotate.write_job(folder, project.key, version.name, context.models.root, documents)
        _ring(context, folder, comparison)
        return 0
    try:
        records = [one for records in preannotate.read_output(folder) for one in records]
    except preannotate.PredictionJobError as error:
        _note(context, project_id, str(error))
        return 0
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    tagged = {int(record["id"]) for record in records}
    # what changed since it was asked for has moved to the end: it and all after it come again
    same = takewhile(lambda one: one.document.id in tagged, chunk)
    last = [one.gold for one in same][-1:]
    found = 0
    for some in pool.chunks(records, STORED_AT_ONCE):
        with context.database.write() as session:
            project = versions.locked_project(session, project_id)
            found += stage.compare(session, project, session.get_one(Version, version.id), some)
    with context.database.write() as session:
        row = session.get_one(Comparison, project_id)
        for gold in last:
            row.revision, row.document_id = gold.revision, gold.document_id
    log.info("event=compared project=%s documents=%d differ=%d", project.key, len(records), found)
    return len(records)


def _folder(
    context: Context, project: Project, version: Version, comparison: Comparison
) -> JobFolder:
    place = f"{comparison.revision}-{comparison.document_id}"
    return JobFolder(context.settings.jobs / f"compare-{project.key}-{version.name}-{place}")


def _ring(context: Context, folder: JobFolder, comparison: Comparison) -> None:
    """Ring the worker; where one died at it, once more only after a pause."""
    job_id, project_id = folder.path.name, comparison.project_id
    if context.queue.knows(job_id):
        return
    if context.queue.failed(job_id):
        died = comparison.reason == DIED
        _note(context, project_id, "" if died else DIED)
        if not died:
            return
    if context.queue.ring(PREDICT_QUEUE, PREDICT_FILE_JOB, str(folder.path), job_id=job_id):
        context.queue.ring(DEFAULT_QUEUE, COMPARE_GOLD, project_id, after=job_id)


def _note(context: Context, project_id: int, reason: str, *, compared: int | None = None) -> None:
    """Note a look; `compared` is the revision up to which all gold has been."""
    with context.database.write() as session:
        row = session.get_one(Comparison, project_id)
        row.reason, row.looked_at = reason, now()
        if compared is not None and compared >= row.revision:
            row.revision, row.document_id = compared + 1, 0
