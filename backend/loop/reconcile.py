"""Reconcile with Label Studio: everything that it has and we lack, or the reverse.

Webhooks are lost when we are down or slow, and there is none for imported annotations, for a
task's data or for a deleted project. So this compares everything, page by page. Only what differs
is applied, in one short transaction a page, with no transaction open across HTTP. Nothing that
seems gone from a list is believed to be gone before Label Studio was asked for it by number.

The report is kept (`Reconciliation`); `found` names what differed and was put right, so a second
run right after finds nothing.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from backend.clients.label_studio import LabelStudio
from backend.db.session import Database
from backend.workflow.gold.origins import trace
from backend.workflow.label_studio import reconcile as stage
from backend.workflow.label_studio.connect import find_project
from backend.workflow.label_studio.reconcile import Ours
from backend.workflow.label_studio.reconcile_report import Report

PAGE = 250
ASK_SINGLY = 20  # missing tasks up to which each is asked for; beyond, all are listed again


def reconcile(
    database: Database,
    label_studio: LabelStudio,
    project_id: int,
    *,
    hook: str | None = None,
    secret: str = "",
) -> Report:
    """Compare one project with Label Studio and put right what differs.

    `hook` is the address of our hook and `secret` what it must send; hooks are left alone without.
    Raises LabelStudioDownError when Label Studio cannot be asked: silence proves nothing.
    """
    report = Report()
    with database.read() as session:
        ours = stage.what_we_know(session, project_id)
    if ours is None:
        report.note("not connected", "the project has no project in Label Studio")
    else:
        _compare(database, label_studio, ours, report)
        if hook is not None and "project_missing" not in report.found:
            stage.mend_hooks(label_studio, ours, report, hook=hook, secret=secret)
    with database.write() as session:
        stage.keep(session, project_id, report)
    return report


def _compare(database: Database, label_studio: LabelStudio, ours: Ours, report: Report) -> None:
    theirs = find_project(label_studio, ours.label_studio_id, ours.since)
    if theirs is None:
        report.add("project_missing", ours.label_studio_id)
        with database.write() as session:
            stage.write_no_more(session, ours)
        return
    with database.read() as session:
        same = stage.same_config(session, ours, theirs)
    if not same:
        with database.write() as session:
            stage.mend_config(session, ours, theirs, report)
    listed: dict[int, set[int]] = {}  # task → its annotations
    pages = label_studio.tasks(ours.label_studio_id)
    while page := list(islice(pages, PAGE)):
        for task in page:
            listed[task["id"]] = {one["id"] for one in task.get("annotations", ())}
        _page(database, label_studio, ours, page, report)
    report.checked["tasks"] = len(listed)
    report.checked["annotations"] = sum(map(len, listed.values()))
    _missing(database, label_studio, ours, listed, report)


def _page(
    database: Database,
    label_studio: LabelStudio,
    ours: Ours,
    page: Sequence[Mapping[str, Any]],
    report: Report,
) -> None:
    with database.read() as session:
        found = stage.differences(session, ours, page)
        emails = stage.emails_of(session, found)
        thought_deleted = stage.thought_deleted(session, ours, found)
    if not found:
        return
    predictions = {
        prediction["id"]: prediction
        for difference in found
        for prediction in difference.task.get("predictions", ())
        if difference.annotations
    }
    annotations = [one for difference in found for one in difference.annotations]
    origins = trace(label_studio, annotations, emails=emails, predictions=predictions)
    risen = {
        number
        for number, task in thought_deleted.items()
        if label_studio.annotation(number, task=task) is not None
    }
    with database.write() as session:
        stage.mend_tasks(session, ours, found, origins, risen, report)


def _missing(
    database: Database,
    label_studio: LabelStudio,
    ours: Ours,
    listed: Mapping[int, set[int]],
    report: Report,
) -> None:
    """What of ours the list did not show: Label Studio is asked once more before it is believed."""
    number = ours.label_studio_id
    missing = set(ours.tasks) - set(listed)
    if len(missing) > ASK_SINGLY:
        missing -= {task["id"] for task in label_studio.tasks(number)}
    else:
        missing = {task for task in missing if label_studio.task(task, project=number) is None}
    if missing:
        with database.write() as session:
            stage.forget_tasks(session, ours, missing, report)
    for annotation, task, document in stage.unlisted_annotations(ours, listed):
        if label_studio.annotation(annotation, task=task) is None:
            with database.write() as session:
                stage.mend_deletion(session, ours, annotation, document, report)
