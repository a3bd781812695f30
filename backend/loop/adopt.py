"""Adopt a Label Studio project that was there before: its tasks, annotations and predictions.

Nothing is changed in it: no hook, no ML backend, no setting, until `goldloop project connect`.
Adopting again goes on where it stopped. Tasks and annotations are taken over by reconciliation,
for which such a project is one where everything differs.
"""

from dataclasses import dataclass

from backend.clients.label_studio import LabelStudio
from backend.db.audit_log import record
from backend.db.pool import chunks
from backend.db.session import Database
from backend.loop.reconcile import reconcile
from backend.workflow.label_studio import adopt as stage
from backend.workflow.label_studio.reconcile_report import Report

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken over; `report` is reconciliation's."""

    project_id: int
    report: Report
    predictions: int


def adopt(
    database: Database, label_studio: LabelStudio, *, key: str, label_studio_id: int, by: str
) -> Adopted:
    """Take a Label Studio project over as the Goldloop project `key`.

    Raises ConflictError when either belongs to another project already, InvalidInputError when
    its configuration has no `<Labels>` on a `<Text>`.
    """
    theirs = label_studio.project(label_studio_id)
    with database.write() as session:
        project_id = stage.take_project(session, key, label_studio_id, theirs)
        after = {"label_studio_project": label_studio_id}
        record(session, by, "project.adopt", project_id=project_id, subject=key, after=after)
    report = reconcile(database, label_studio, project_id)
    stored = stage.newest(label_studio.predictions(label_studio_id))
    with database.write() as session:
        names = {stage.version_name(one) for one in stored}
        versions = stage.take_versions(session, project_id, names)
    kept = 0
    for chunk in chunks(stored, CHUNK):
        with database.write() as session:
            kept += stage.take_predictions(session, project_id, chunk, versions)
    return Adopted(project_id, report, kept)
