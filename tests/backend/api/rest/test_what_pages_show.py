"""What the pages show of versions, annotators, releases and changes, the API tells too."""

import io
import tarfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import now
from backend.loop import release_jobs
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.model_data import leave_course, leave_reports
from tests.backend.api.rest.conftest import Program
from tests.backend.workflow.releases.gold import add_project, import_gold, lines

VERSIONS = "/projects/general/versions"
RUNS = "/projects/general/runs"


@pytest.fixture
def ask(program: Callable[..., Program], filled: Database, settings: Settings) -> Program:
    leave_reports(filled, settings.jobs)
    return program("curator")


def test_a_version_s_report_is_told_label_by_label(ask: Program) -> None:
    report = ask("GET", f"{VERSIONS}/v3/report").json
    assert (report["part"], report["documents"]) == ("gate", 240)
    label, interval = next(iter(report["intervals"]["per_label"].items()))
    assert interval["f1"]["low"] <= report["scores"]["per_label"][label]["f1"]
    assert {"mistakes", "calibration"} <= report.keys()


def test_two_versions_are_compared(ask: Program) -> None:
    better = ask("GET", f"{VERSIONS}/v3/difference/v1").json
    assert better["documents"] == 240
    assert better["intervals"]["micro"]["f1"]["low"] > 0
    worse = ask("GET", f"{VERSIONS}/v1/difference/v3").json["intervals"]["micro"]["f1"]
    assert worse["estimate"] == pytest.approx(-better["intervals"]["micro"]["f1"]["estimate"])
    assert ask("GET", f"{VERSIONS}/v1/difference/v9").status_code == 404


def test_a_version_without_a_report_says_so(program: Callable[..., Program]) -> None:
    ask = program("curator")
    assert ask("GET", f"{VERSIONS}/v3/report").status_code == 404
    none = ask("GET", f"{VERSIONS}/v3/difference/v1").json
    assert none == {"documents": 0, "intervals": None}


def test_a_version_is_downloaded_as_an_archive(ask: Program, settings: Settings) -> None:
    assert ask("GET", f"{VERSIONS}/v3/archive").status_code == 404
    folder = settings.models / "general" / "versions" / "v3"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    answer = ask("GET", f"{VERSIONS}/v3/archive")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="general-v3.tar"'
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        assert archive.getnames() == ["general-v3/model.json"]


def test_a_training_is_told_step_by_step(ask: Program, settings: Settings) -> None:
    (run,) = [one for one in ask("GET", RUNS).json["items"] if one["state"] == "training"]
    leave_course(JobFolder(settings.jobs / "run-5"), 40)
    points = ask("GET", f"{RUNS}/{run['id']}/course").json["points"]
    assert [one["step"] for one in points] == sorted(one["step"] for one in points)
    assert points[-1]["loss"] > 0
    assert any(one["dev_f1"] for one in points)


def test_what_needs_attention_is_told_stage_by_stage(ask: Program) -> None:
    told = ask("GET", "/projects/general/overview").json
    assert told["documents"]["open"] > 0
    assert told["active_run"]["state"] == "training"
    assert told["path"]["minimum"] == 0  # nobody set one
    assert told["waiting_run"] is None
    assert ask("GET", "/projects/empty/overview").json["active_run"] is None


def test_services_that_are_away_are_told(ask: Program, filled: Database) -> None:
    told = ask("GET", "/projects/general/overview").json["services"]
    assert (told["redis"], told["label_studio"], told["loaded"]) == (False, None, None)
    assert "does not answer" in told["ml_backend_error"]
    assert told["label_studio_silent"] is None
    with filled.write() as session:
        project_by_key(session, "general").last_event_at = now() - timedelta(hours=3)
    told = ask("GET", "/projects/general/overview").json["services"]
    assert told["label_studio_silent"] >= 3 * 3600
    with filled.write() as session:
        project_by_key(session, "empty").last_event_at = now() - timedelta(hours=3)
    told = ask("GET", "/projects/empty/overview").json["services"]
    assert told["label_studio_silent"] is None  # nothing is open there


def test_annotators_are_told_to_curators_and_each_to_themselves(
    ask: Program, program: Callable[..., Program]
) -> None:
    everybody = ask("GET", "/projects/general/annotators").json
    (person,) = everybody["items"]
    assert person["email"] == "annotator-2@example.com"
    assert person["documents"] == everybody["annotations"] > 100
    own = program("annotator")("GET", "/projects/general/annotators").json
    assert own == {**everybody, "items": []}


def test_a_curator_reads_what_changed_in_a_project(
    ask: Program, program: Callable[..., Program]
) -> None:
    ask("PATCH", "/projects/general/settings", json={"open_tasks": 9})
    (entry,) = ask("GET", "/projects/general/audit-log?action=settings.").json["items"]
    assert entry["after"] == {"open_tasks": 9}
    assert ask("GET", "/projects/empty/audit-log").json["items"] == []
    assert ask("GET", "/audit-log").status_code == 403
    assert program("annotator")("GET", "/projects/general/audit-log").status_code == 403


def test_a_release_is_cancelled_made_and_downloaded(
    ask: Program, filled: Database, tmp_path: Path
) -> None:
    add_project(filled)
    import_gold(filled, tmp_path, lines(20))
    context = ask.opened
    assert ask("POST", "/projects/p/releases", json={}).status_code == 202
    cancelled = ask("POST", "/projects/p/release-jobs/make/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (202, None)
    release_jobs.run(context, "p", "make")
    assert ask("GET", "/projects/p/release-jobs/make").json["state"] == "cancelled"
    again = ask("POST", "/projects/p/release-jobs/make/cancel")
    assert (again.status_code, again.json["detail"]) == (409, "the job has ended: cancelled")
    ask("POST", "/projects/p/releases", json={})
    release_jobs.run(context, "p", "make")
    answer = ask("GET", "/projects/p/releases/1/archive")
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        assert "p-1/manifest.json" in archive.getnames()
    files = ask("GET", "/projects/p/releases/1/manifest").json["files"]
    for name in (*files, "manifest.json"):
        its = ask("GET", f"/projects/p/releases/1/files/{name}")
        assert its.status_code == 200
        assert name not in files or sha256(its.data).hexdigest() == files[name]["sha256"]
    assert ask("GET", "/projects/p/releases/1/files/none.json").status_code == 404
    assert ask("GET", "/projects/p/releases/1/files/..").status_code in (404, 422)
    losses = ask("GET", "/projects/p/releases/1/export?format=bio-characters&losses=true")
    assert losses.headers["Content-Disposition"].endswith('.losses.jsonl"')
    assert all("reason" in orjson.loads(line) for line in losses.data.splitlines())
    assert ask("GET", "/projects/p/releases/1/export?losses=true").data == b""  # JSONL holds all
