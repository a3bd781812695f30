"""Why the documents of the queue stand where they do."""

from backend.db.session import Database
from backend.db.tables import Arm
from backend.workflow.selection.queue_preview import Reason, next_in_queue
from tests.backend.workflow.loop_data import (
    add_documents,
    add_project,
    add_score,
    add_version,
    open_tasks,
)


def test_each_document_has_its_reason_and_what_the_strategies_see(any_database: Database):
    mixture = {"margin": 1.0, "cost": 1.0, "disagreement": 1.0, "k_center": 1.0, "density": 1.0}
    with any_database.write() as session:
        project = add_project(session, selection=mixture)
        documents = add_documents(session, project, ["가" * 10, "나", "다"])
        open_tasks(documents)
        documents[2].arm = Arm.RANDOM
        session.flush()
        at_first = next_in_queue(session, project, 9)
        version = add_version(session, project)
        add_score(session, documents[0], version, margin=0.25, entities=2.0, edits=1.0)
        add_score(session, documents[2], version)
        project.champion_id = version.id
        session.flush()
        first, second, third = next_in_queue(session, project, 9)
        project.settings = {**project.settings, "selection": {"random": 1.0}}
        by_none = next_in_queue(session, project, 2)
        after = next_in_queue(session, project, 2, after=documents[0].id)
    assert [one.reason for one in at_first] == [Reason.BY_CHANCE, Reason.BY_CHANCE, "at_random"]
    assert [one.document.text for one in (second, third)] == ["나", "다"]
    assert [one.document.text for one in after] == ["나", "다"]
    assert (second.reason, third.reason) == (Reason.UNSCORED, Reason.AT_RANDOM)
    assert second.scores == third.scores == {}
    assert first.reason == Reason.RANKED
    assert list(first.scores) == list(mixture)
    assert first.scores["margin"] == 0.25
    assert first.scores["cost"] is not None
    assert first.scores["cost"] > 0
    assert {first.scores[key] for key in ("disagreement", "k_center", "density")} == {None}
    assert [one.reason for one in by_none] == [Reason.BY_CHANCE] * 2
