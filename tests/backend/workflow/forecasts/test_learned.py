"""Which versions stand on a project's learning curve."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backend.db.session import Database
from backend.db.tables import Project, Run, RunState, Version
from backend.workflow.forecasts.learned import NEWEST, learned
from ml_backend.contract.messages import JobFolder, TrainRequest
from tests.backend.workflow.forecasts.test_forecast import add_version
from tests.backend.workflow.loop_data import add_project


@pytest.fixture
def project(database: Database) -> Project:
    with database.write() as session:
        return add_project(session)


def trained(
    session: Session, project: Project, number: int, folder: Path, **config: object
) -> Version:
    """A version whose job was asked with these options."""
    version = add_version(project, number, 100 * number)
    session.add(version)
    session.flush()
    job = JobFolder(folder / f"run-{number}")
    job.path.mkdir()
    request = TrainRequest("p", version.name, str(folder), None, 1, config)
    job.write_request(request)
    run = Run(
        project_id=project.id,
        version_id=version.id,
        state=RunState.PROMOTED,
        asked_by="threshold",
        folder=str(job.path),
    )
    session.add(run)
    return version


def sizes(database: Database, project: Project) -> list[int]:
    with database.read() as session:
        return [point.documents for point in learned(session, project.id).overall]


def test_versions_of_another_encoder_or_head_are_left_out(
    database: Database, project: Project, tmp_path: Path
) -> None:
    with database.write() as session:
        trained(session, project, 1, tmp_path)
        trained(session, project, 2, tmp_path, head="span")
        trained(session, project, 3, tmp_path, encoder="monologg/koelectra-base-v3-discriminator")
        trained(session, project, 4, tmp_path, encoder="builtin", head="crf", epochs=3)
        trained(session, project, 5, tmp_path)
    assert sizes(database, project) == [100, 400, 500]
    with database.read() as session:
        assert learned(session, project.id).others == 2


def test_what_was_judged_on_dev_and_on_gate_is_not_mixed(
    database: Database, project: Project, tmp_path: Path
) -> None:
    with database.write() as session:
        for number in (1, 2, 3):
            version = trained(session, project, number, tmp_path)
            if number > 1:
                run = session.query(Run).filter_by(version_id=version.id).one()
                run.gate = {
                    "documents": 50,
                    "challenger": version.figures["training"]["dev"],
                    "challenger_interval": {"low": 0.1, "estimate": 0.2, "high": 0.3},
                }
    with database.read() as session:
        found = learned(session, project.id)
    assert [point.documents for point in found.overall] == [200, 300]
    assert found.measured_on == "gate gold"
    assert found.others == 1
    assert {point.support for point in found.labels["PS"]} == {2000}


def test_versions_of_other_pages_count_and_the_oldest_of_many_do_not(
    database: Database, project: Project
) -> None:
    with database.write() as session:
        session.add_all(add_version(project, n, 90 + 10 * n) for n in range(1, NEWEST + 6))
    assert sizes(database, project) == [90 + 10 * n for n in range(6, NEWEST + 6)]


def test_a_version_without_figures_is_no_point(database: Database, project: Project) -> None:
    with database.write() as session:
        session.add(Version(project_id=project.id, name="v1"))
    with database.read() as session:
        found = learned(session, project.id)
    assert (list(found.overall), found.others) == ([], 1)
