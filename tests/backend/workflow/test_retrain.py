from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from backend.db.session import Database
from backend.db.tables import (
    FINISHED_RUNS,
    Project,
    Run,
    RunState,
    Version,
    VersionState,
    now,
)
from backend.errors import ConflictError
from backend.workflow import retrain
from ml_backend.contract.messages import JobFolder, Progress, Result, TrainRequest
from tests.backend.workflow.loop_data import add_gold, add_project, add_trainable

LEASE = 30


def ended(session, project, state: RunState) -> Run:
    run = Run(project_id=project.id, state=state, asked_by="x", gold_revision=project.gold_revision)
    session.add(run)
    session.flush()
    return run


# --- the threshold


def test_due_counts_documents_of_people_since_the_last_finished_run(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_trainable(session, project)
        assert retrain.due(session, project) == 0  # imported gold is nobody's work
        for document in documents[:3]:
            add_gold(session, document)
        add_gold(session, documents[0], label="LC")  # the same document twice counts once
        assert retrain.due(session, project) == 3
        for state in (RunState.PROMOTED, RunState.REFUSED, RunState.WAITING):
            ended(session, project, state)
            assert retrain.due(session, project) == 0
            add_gold(session, documents[4])
            assert retrain.due(session, project) == 1
        for state in (RunState.FAILED, RunState.CANCELLED):
            ended(session, project, state)
            assert retrain.due(session, project) == 1  # these learnt nothing


def test_the_threshold_is_reached_exactly_and_a_failed_run_is_not_begun_again_at_once(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session, retrain_threshold=3)
        documents = add_trainable(session, project)
        for document in documents[:2]:
            add_gold(session, document)
        assert not retrain.triggered(session, project)
        add_gold(session, documents[2])
        assert retrain.triggered(session, project)
        ended(session, project, RunState.FAILED)
        assert not retrain.triggered(session, project)
        for document in documents[3:6]:
            add_gold(session, document)
        assert retrain.triggered(session, project)


# --- one at a time


def test_one_run_at_a_time_and_a_wish_meanwhile_is_remembered(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_trainable(session, project)
        first = retrain.open_run(session, project, "threshold")
        assert first.run is not None
        second = retrain.open_run(session, project, "a@example.com")
        assert second.run is None
        assert str(first.run.id) in second.sentence
        assert retrain.open_run(session, project, "threshold").run is None
        assert project.training_wanted == "a@example.com"  # a person's wish is the stronger
        retrain.finish(first.run, RunState.FAILED, "", now())
        assert retrain.take_wanted(session, project) == "a@example.com"  # it learnt nothing
        project.training_wanted = "a@example.com"
        retrain.finish(first.run, RunState.REFUSED, "", now())
        assert retrain.take_wanted(session, project) is None  # no gold since: nothing to learn
        project.training_wanted = "a@example.com"
        add_gold(session, documents[0])
        assert retrain.take_wanted(session, project) == "a@example.com"
        assert project.training_wanted is None
        project.training_wanted = "threshold"
        assert retrain.take_wanted(session, project) is None  # one document is not fifty


def test_a_runs_own_options_stand_above_the_projects_and_are_not_remembered(
    any_database: Database, tmp_path: Path
):
    with any_database.write() as session:
        project = add_project(session, training={"epochs": 3, "head": "crf"})
        add_trainable(session, project)
        run = retrain.open_run(session, project, "somebody", {"epochs": 9}).run
        request = retrain.train_request(project, run, "v1", tmp_path, None, seed=0)
        assert request.config == {"epochs": 9, "head": "crf"}
        again = retrain.open_run(session, project, "somebody", {"epochs": 1})
        assert again.run is None
        assert "make your choices when it has ended" in again.sentence
        assert project.training_wanted is None


def test_choices_that_contradict_the_projects_are_a_sentence_and_no_run(database: Database):
    with database.write() as session:
        project = add_project(session, training={"head": "softmax", "loss": "focal"})
        add_trainable(session, project)
        opened = retrain.open_run(session, project, "x", {"head": "crf"})
        assert opened.run is None
        assert opened.sentence == "the head crf has one loss, its likelihood: not focal"
        assert retrain.open_run(session, project, "x", {"head": "softmax"}).run is not None


def test_the_database_itself_allows_one_active_run(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        ended(session, project, RunState.QUEUED)
    with pytest.raises(IntegrityError), any_database.write() as session:
        ended(session, project, RunState.JUDGING)
    with any_database.write() as session:
        ended(session, project, RunState.WAITING)  # does not hold the project


@pytest.mark.parametrize(
    ("count", "entities", "said"), [(9, True, "10 gold"), (12, False, "entity")]
)
def test_too_little_gold_is_a_sentence_and_no_run(database: Database, count, entities, said):
    with database.write() as session:
        project = add_project(session)
        for document in add_trainable(session, project, count):
            if not entities:
                document.gold.entities = []
        opened = retrain.open_run(session, project, "x")
    assert opened.run is None
    assert said in opened.sentence


def test_gold_of_no_label_with_enough_support_is_a_sentence_and_no_run(database: Database):
    with database.write() as session:
        project = add_project(session, min_support=13)
        add_trainable(session, project)
        opened = retrain.open_run(session, project, "x")
    assert opened.run is None
    assert "a label with 13 gold entities" in opened.sentence


# --- what the job folder says


@pytest.fixture
def queued(database: Database, tmp_path: Path):
    """A queued run with its job folder, and a look at it at a given second."""
    folder = JobFolder(tmp_path / "job")
    folder.path.mkdir()
    folder.snapshot.mkdir()
    folder.write_request(TrainRequest("p", "v1", str(tmp_path / "store")))
    start = now()
    with database.write() as session:
        project = add_project(session)
        run = Run(project_id=project.id, asked_by="x", folder=str(folder.path))
        session.add(run)

    def look(second: float) -> Run:
        with database.write() as session:
            row = session.get_one(Run, run.id)
            retrain.look(session, row, folder, start + timedelta(seconds=second), LEASE)
        return row

    return folder, look


def test_a_queued_run_waits_without_a_lease(queued):
    _, look = queued
    assert look(10_000).state == RunState.QUEUED


def test_a_moving_heartbeat_renews_the_lease_and_silence_ends_it(queued):
    folder, look = queued
    folder.write_progress(Progress(1, "reading"))
    assert look(0).state == RunState.TRAINING
    assert look(29).state == RunState.TRAINING
    folder.write_progress(Progress(2, "training"))
    assert look(50).state == RunState.TRAINING  # nobody looked for long, but it had moved
    assert look(79).state == RunState.TRAINING
    run = look(81)
    assert run.state == RunState.FAILED
    assert "the worker died" in run.reason
    assert run.finished_at is not None


def test_a_result_makes_a_candidate_and_goes_to_the_gate(queued, database: Database):
    folder, look = queued
    folder.write_progress(Progress(1, "reading"))
    folder.write_result(Result("done", figures={"dev": {}, "steps": 3}))
    run = look(1000)
    assert run.state == RunState.JUDGING
    assert look(2000).version_id == run.version_id
    with database.read() as session:
        version = session.get_one(Version, run.version_id)
    assert (version.name, version.state) == ("v1", VersionState.CANDIDATE)
    assert version.figures == {"training": {"dev": {}, "steps": 3}}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_failed_or_cancelled_job_leaves_no_version(queued, database: Database, state):
    folder, look = queued
    folder.write_result(Result(state, "because"))
    run = look(0)
    assert (run.state, run.reason, run.version_id) == (RunState(state), "because", None)
    with database.read() as session:
        assert session.query(Version).count() == 0


def test_a_run_that_waits_is_cancelled_at_once_and_one_that_trains_by_its_folder(
    queued, database: Database
):
    folder, look = queued
    folder.write_progress(Progress(1, "reading"))
    run = look(0)
    with database.write() as session:
        retrain.cancel(session.merge(run), folder, now())
    assert folder.cancel_asked()
    assert look(1).state == RunState.TRAINING
    folder.write_result(Result("cancelled", "cancelled on request"))
    assert look(2).state == RunState.CANCELLED
    with database.write() as session:
        project = session.get_one(Project, run.project_id)
        waiting = Run(project_id=project.id, asked_by="x")
        session.add(waiting)
        session.flush()
        retrain.cancel(waiting, folder, now())
        assert waiting.state == RunState.CANCELLED
        with pytest.raises(ConflictError):
            retrain.cancel(waiting, folder, now())


def test_a_cancel_after_the_training_has_ended_is_honoured(queued, database: Database):
    folder, look = queued
    folder.write_progress(Progress(1, "training"))
    assert look(0).state == RunState.TRAINING
    folder.write_result(Result("done", figures={}))
    folder.ask_to_cancel()
    assert look(1).state == RunState.CANCELLED
    with database.read() as session:
        assert session.query(Version).count() == 0


@pytest.mark.parametrize("state", [VersionState.CHAMPION, VersionState.REFUSED])
def test_a_version_that_was_judged_is_not_made_again(queued, database: Database, state):
    folder, look = queued
    with database.write() as session:
        project = session.query(Project).one()
        session.add(Version(project_id=project.id, name="v1", state=state))
        failed = ended(session, project, RunState.FAILED)
        failed.snapshot_digest, failed.folder = "d", str(folder.path)
        run = session.query(Run).filter_by(state=RunState.QUEUED).one()
        with pytest.raises(ConflictError, match="a run is active"):
            retrain.open_retry(session, project, failed, folder.path, "x")
        retrain.finish(run, RunState.FAILED, "", now())
        with pytest.raises(ConflictError, match="v1 is there"):
            retrain.open_retry(session, project, failed, folder.path, "x")
        run.state = RunState.QUEUED
    folder.write_result(Result("done", figures={}))
    run = look(0)
    assert (run.state, run.reason) == (RunState.FAILED, "v1 was judged already")


def test_a_run_that_could_not_be_judged_may_be_run_again(queued, database: Database):
    folder, look = queued
    folder.write_result(Result("done", figures={"steps": 3}))
    made = look(0).version_id
    with database.write() as session:
        project, run = session.query(Project).one(), session.query(Run).one()
        run.snapshot_digest = "d"
        retrain.finish(run, RunState.FAILED, "cannot be judged", now())
        again = retrain.open_retry(session, project, run, folder.path, "x")
        retrain.look(session, again, folder, now(), LEASE)
        assert (again.state, again.version_id) == (RunState.JUDGING, made)
        for state in FINISHED_RUNS:  # a promoted version is a candidate until it is published
            retrain.finish(again, state, "", now())
            with pytest.raises(ConflictError, match="v1 is there"):
                retrain.open_retry(session, project, run, folder.path, "x")
