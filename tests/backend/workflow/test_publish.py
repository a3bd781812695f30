"""What publication decides; tests/backend/loop sees it done by real servers."""

from datetime import timedelta
from pathlib import Path

import pytest

from backend.db import pool, versions
from backend.db.session import Database
from backend.db.tables import Prediction, Run, RunState, VersionState, now
from backend.errors import ConflictError
from backend.workflow import preannotate, publish
from backend.workflow.select import place
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import JobFolder, Result, read_jsonl, write_jsonl
from tests.backend.workflow.loop_data import (
    CONFIG,
    add_documents,
    add_project,
    add_version,
    open_tasks,
)


def test_one_publication_at_a_time_and_never_of_what_is_served(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        first, second = add_version(session, project, "v1"), add_version(session, project, "v2")
        opened = publish.open_publication(session, project, first, "x")
        with pytest.raises(ConflictError, match="under way"):
            publish.open_publication(session, project, second, "x")
        publish.crown(session, project, opened, now())
        with pytest.raises(ConflictError, match="served already"):
            publish.open_publication(session, project, first, "x")
        publish.open_publication(session, project, second, "x")


def test_crowning_retires_the_old_champion_and_a_rollback_the_new(any_database: Database):
    time = now()
    with any_database.write() as session:
        project = add_project(session)
        first, second = add_version(session, project, "v1"), add_version(session, project, "v2")
        for minute, version in enumerate((first, second, first)):
            opened = publish.open_publication(session, project, version, "x")
            publish.crown(session, project, opened, time + timedelta(minutes=minute))
        states = (first.state, second.state)
        assert states == (VersionState.CHAMPION, VersionState.RETIRED)
        assert (first.deselected_at, second.deselected_at) == (None, time + timedelta(minutes=2))
        assert project.champion_id == first.id
        assert [version.name for version in versions.no_longer_selected(session, project.id)] == [
            "v2"
        ]


def test_a_promotion_waits_for_the_publication_under_way(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        first, second = add_version(session, project, "v1"), add_version(session, project, "v2")
        opened = publish.open_publication(session, project, first, "x")
        run = Run(project_id=project.id, version_id=second.id, asked_by="x")
        session.add(run)
        session.flush()
        assert publish.promote(session, project, run, "x") is None
        assert run.state == RunState.PROMOTED
        assert versions.unpublished_promotion(session, project.id) is run
        publish.fail(session, opened, "because", now())
        assert publish.promote(session, project, run, "x") is not None
        assert versions.unpublished_promotion(session, project.id) is None


def test_a_version_is_removable_only_after_the_task_lock_has_run_out(database: Database):
    with database.write() as session:
        version = add_version(session, add_project(session))
    version.deselected_at = time = now()
    assert not publish.removable(version, time + timedelta(seconds=99), 100)
    assert publish.removable(version, time + timedelta(seconds=100), 100)


def test_of_two_predictions_of_a_task_the_older_is_ours():
    def row(number: int, task: int, minute: int) -> dict:
        return {"id": number, "task": task, "score": 0.5, "created_at": f"2026-01-01T00:0{minute}Z"}

    found = publish.Stored({1: [row(5, 1, 0), row(9, 1, 3)], 2: [row(6, 2, 0)]})
    late = now()
    assert publish.old_doubles(found, late, 0) == [9]
    assert publish.old_doubles(found, late, 10**10) == []
    assert found.queue_numbers == {1: 1000, 2: 1000}


# --- predictions of ours


def test_the_same_question_is_the_same_job_and_another_is_not(tmp_path: Path):
    folder = preannotate.job_folder(tmp_path, "p", "v1", [3, 1, 2])
    assert folder == preannotate.job_folder(tmp_path, "p", "v1", [1, 2, 3])
    assert folder != preannotate.job_folder(tmp_path, "p", "v2", [1, 2, 3])
    assert folder != preannotate.job_folder(tmp_path, "p", "v1", [1, 2])


def test_a_jobs_output_is_kept_once_and_given_with_its_place(
    any_database: Database, tmp_path: Path
):
    with any_database.write() as session:
        project = add_project(session)
        version = add_version(session, project)
        documents = add_documents(session, project, ["😀홍길동은 서울로", "없음"])
        open_tasks(documents)
        documents[0].queue_number = 7
    folder = JobFolder(tmp_path / "job")
    preannotate.write_job(folder, "p", "v1", tmp_path / "store", documents)
    assert [record["text"] for record in read_jsonl(folder.input)] == [
        document.text for document in documents
    ]
    entity = {"start": 1, "end": 4, "label": "PS", "probability": 0.9}
    records = [
        {"id": str(documents[0].id), "entities": [entity], "confidence": 0.8},
        {"id": str(documents[1].id), "entities": [], "confidence": 1.0},
    ]
    write_jsonl(folder.output, records)
    folder.write_result(Result("done"))
    for _ in range(2):
        for chunk in preannotate.read_output(folder):
            with any_database.write() as session:
                alive = pool.documents(session, [document.id for document in documents])
                preannotate.store(session, version.id, chunk, alive)
    with any_database.read() as session:
        assert session.query(Prediction).count() == 2
        kept = pool.predictions(session, version.id, [documents[0].id])[documents[0].id]
    control = parse_label_config(CONFIG)
    sent = preannotate.label_studio_prediction(documents[0], kept, version, control)
    assert (sent["score"], sent["model_version"]) == (place(7), "v1")
    value = sent["result"][0]["value"]
    assert (value["start"], value["end"], value["text"]) == (1, 4, "홍길동")
    assert sent["result"][0]["score"] == 0.9


def test_a_document_deleted_meanwhile_is_left_out(any_database: Database):
    with any_database.write() as session:
        version = add_version(session, add_project(session))
        record = {"id": "99", "entities": [], "confidence": 0.5}
        assert preannotate.store(session, version.id, [record], []) == 0


@pytest.mark.parametrize("confidence", [1.5, -0.1, None, float("nan"), "0.5"])
def test_a_confidence_outside_its_range_is_refused(database: Database, confidence):
    with database.write() as session:
        version = add_version(session, add_project(session))
        record = {"id": "1", "entities": [], "confidence": confidence}
        with pytest.raises(preannotate.PredictionJobError):
            preannotate.store(session, version.id, [record], [1])


def test_an_output_of_another_length_is_refused(tmp_path: Path):
    folder = JobFolder(tmp_path)
    write_jsonl(folder.input, [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}])
    write_jsonl(folder.output, [{"id": "1", "entities": [], "confidence": 1}])
    folder.write_result(Result("done"))
    with pytest.raises(preannotate.PredictionJobError, match="2 documents"):
        list(preannotate.read_output(folder))
    folder.write_result(Result("failed", "because"))
    with pytest.raises(preannotate.PredictionJobError, match="because"):
        list(preannotate.read_output(folder))
