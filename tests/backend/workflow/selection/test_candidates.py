"""Candidates in the order of a project's strategies, from what is kept of a version."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select as rows

from backend.db import scores
from backend.db.accounts import add_account
from backend.db.batches import batches_of, newest_batches
from backend.db.gold_labels import held_out_counts
from backend.db.label_counts import add_counts
from backend.db.session import Database
from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    Arm,
    Document,
    Part,
    Role,
    TaskState,
    now,
)
from backend.db.tables_of_labels import Counted
from backend.db.tables_of_selection import DocumentScore
from backend.errors import InvalidInputError
from backend.settings import ProjectSettings
from backend.workflow import select
from backend.workflow.projects.settings import change_settings
from backend.workflow.selection.candidates import Ranking, of_documents, of_pool, scoring_of
from backend.workflow.selection.keep_scores import keep_scores
from backend.workflow.selection.project_cost import project_cost
from backend.workflow.selection.vectors import (
    GRADIENTS,
    VECTORS,
    drop_vectors,
    gather,
    keep_vectors,
)
from ml_backend.contract.messages import JobFolder
from tests.backend.workflow.loop_data import (
    add_documents,
    add_gold,
    add_prediction,
    add_project,
    add_score,
    add_version,
    open_tasks,
)

SCORES = {
    "log_probability": -3.0,
    "characters": 12,
    "margin": 0.25,
    "mean_entropy": 0.5,
    "max_entropy": 0.75,
    "disagreement": None,
    "expected": {"PS": 1.5, "LC": 0.25},
}


def record(document: Document, **changed: Any) -> dict[str, Any]:
    """A line of a prediction job with scores."""
    entity = {"start": 0, "end": 1, "label": "PS", "probability": 0.75, "runner_up": None}
    return {"id": str(document.id), "entities": [entity], "scores": {**SCORES, **changed}}


def test_what_a_job_tells_is_kept_and_a_second_time_replaced(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        version = add_version(session, project)
        one, other = add_documents(session, project, ["철수가 서울에 갔다", "둘"])
        alive = [one.id]
        lines = [{**record(other), "id": "999999"}, record(one)]
        keep_scores(session, version.id, lines, alive, arrays="a", first_row=4)
        keep_scores(
            session,
            version.id,
            [record(one, disagreement=0.5)],
            alive,
            arrays="b",
            first_row=0,
        )
        keep_scores(session, version.id, [{"id": str(one.id)}], alive, arrays=None, first_row=0)
        kept = session.scalars(rows(DocumentScore)).all()
        names = ["arrays", "row", "disagreement", "length", "expected", "entities", "edits"]
        found = scores.scored_documents(session, [one.id, other.id], version.id, names)
    assert len(kept) == 1
    assert found == {
        "id": (one.id,),
        "near_id": (None,),
        "arrays": ("b",),
        "row": (0,),
        "disagreement": (0.5,),
        "length": (len("철수가 서울에 갔다"),),
        "expected": ({"PS": 1.5, "LC": 0.25},),
        "entities": (1.75,),
        "edits": (0.25 + 1.0,),
    }


def test_the_pool_is_ranked_by_the_mixture_and_near_copies_once(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        version = add_version(session, project)
        documents = add_documents(session, project, map(str, range(40)))
        for number, document in enumerate(documents):
            add_score(session, document, version, margin=number / 40, max_entropy=number / 40)
            if 10 <= number < 13:
                document.near_id = documents[10].id
        add_gold(session, documents[3])
        session.flush()
        by_margin = of_pool(session, project, Ranking(version.id, {"margin": 1}), border=None)
        by_entropy = of_pool(session, project, Ranking(version.id, {"max_entropy": 1}), border=None)
    margin, entropy = by_margin.in_order(12), by_entropy.in_order(3)
    assert [documents.index(one) for number in margin for one in documents if one.id == number] == [
        *(0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 13, 14)
    ]
    assert len(by_margin) == 37
    assert entropy == [documents[number].id for number in (39, 38, 37)]


def test_balance_wants_labels_under_their_target_as_the_version_calls_them(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session, selection={"balance": 1.0}, label_target=10)
        version = add_version(session, project)
        version.figures = {"labels": {"trained": ["PER", "LC"], "mapping": {"PS": "PER"}}}
        person, place = add_documents(session, project, "ab")
        add_score(session, person, version, expected={"PER": 2.0})
        add_score(session, place, version, expected={"LC": 1.0})
        ranking = Ranking(version.id, {"balance": 1.0})
        ids = [person.id, place.id]
        session.flush()
        at_first = of_documents(session, project, ranking, ids).in_order()
        gold = [[{"start": 0, "end": 1, "label": "PS"}]] * 10
        add_counts(session, project.id, Counted.GOLD, 0, (), gold)
        later = of_documents(session, project, ranking, ids).in_order()
    assert (at_first, later) == ([person.id, place.id], [place.id, person.id])


def test_gold_that_judges_neither_counts_for_a_target_nor_tells_what_is_new(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, "abcd")
        parts = (Part.TRAIN, None, Part.GATE, Part.TEST)
        for document, part in zip(documents, parts, strict=True):
            add_gold(session, document, part=part)
        session.flush()
        known = scores.newest_known(session, project.id, 10)
        held_out = held_out_counts(session, project.id)
    assert set(known) == {documents[0].id, documents[1].id}
    assert held_out == {"PS": 2}


def test_cost_is_what_the_projects_people_needed(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        version = add_version(session, project)
        assert project_cost(session, project.id).documents == 0
        person = add_account(session, "a@example.com", role=Role.ANNOTATOR)
        documents = add_documents(session, project, ("가" * number for number in range(1, 41)))
        for number, document in enumerate(documents):
            session.add(
                AnnotationState(
                    project_id=project.id,
                    document_id=document.id,
                    annotation_id=number,
                    updated_at=now(),
                    status=AnnotationStatus.SUBMITTED,
                    account_id=person.id,
                    lead_time=2.0 + 30 * (number % 2),
                    entities=[{"start": 0, "end": 1, "label": "PS"}] * (1 + number % 2),
                    version_name="v1",
                    correction={"kept": 1, "added": number % 2},
                )
            )
        session.flush()
        model = project_cost(session, project.id)
        quick, slow = documents[39], documents[2]
        add_score(session, quick, version, entities=1.0, edits=0.0)
        add_score(session, slow, version, entities=2.0, edits=1.0)
        session.flush()
        ranking = Ranking(version.id, {"cost": 1})
        order = of_documents(session, project, ranking, [slow.id, quick.id]).in_order()
    assert model.documents == 40
    assert model.edit > 15
    assert order == [quick.id, slow.id]


def test_vectors_are_kept_beside_the_version_and_found_by_row(tmp_path: Path):
    job, folder = JobFolder(tmp_path / "job"), tmp_path / "vectors" / "v1"
    job.path.mkdir()
    for name, offset in (("one", 0), ("two", 100)):
        np.save(job.vectors, np.arange(offset, offset + 12, dtype=np.float16).reshape(4, 3))
        np.save(job.gradients, np.full((4, 2), offset, dtype=np.float16))
        keep_vectors(job, folder, name)
    found = gather(folder, VECTORS, ["two", "one", "two"], [1, 3, 0])
    assert found is not None
    assert found.tolist() == [[103, 104, 105], [9, 10, 11], [100, 101, 102]]
    assert gather(folder, GRADIENTS, ["two"], [3]).tolist() == [[100, 100]]
    assert gather(folder, VECTORS, [], []) is None
    assert gather(folder, VECTORS, ["one", None], [0, 0]) is None
    assert gather(folder, VECTORS, ["three"], [0]) is None
    drop_vectors(folder)
    assert gather(folder, VECTORS, ["one"], [0]) is None


def test_diversity_looks_at_what_has_gold_and_goes_on_without_lost_vectors(
    any_database: Database, tmp_path: Path
):
    with any_database.write() as session:
        project = add_project(session, selection={"k_center": 1.0})
        version = add_version(session, project)
        documents = add_documents(session, project, "abcd")
        place = {"a": (0, 0), "b": (0, 1), "c": (9, 0), "d": (0, 0.5)}
        np.save(tmp_path / "x-vectors.npy", np.array(list(place.values()), dtype=np.float16))
        for row, document in enumerate(documents):
            add_score(session, document, version, arrays="x", row=row, log_probability=-row - 1)
        add_gold(session, documents[2])
        session.flush()
        ranking = Ranking(version.id, {"k_center": 1.0}, tmp_path)
        order = of_pool(session, project, ranking, border=None).in_order(3)
        assert documents[order[0] - documents[0].id].text in "ab"  # d is between them
        assert documents[order[2] - documents[0].id].text == "d"
        lost = Ranking(version.id, {"k_center": 1.0}, tmp_path / "gone")
        order = of_pool(session, project, lost, border=None).in_order(3)
        assert order == [documents[number].id for number in (3, 1, 0)]  # by MNLP


def test_documents_with_gold_are_read_too_where_what_is_new_counts(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, selection={"k_means": 1.0})
        version = add_version(session, project)
        documents = add_documents(session, project, "abcde")
        add_gold(session, documents[0])
        add_gold(session, documents[1])
        add_score(session, documents[1], version)
        session.flush()
        asked = select.candidates_to_predict(session, project, version.id, 2)
    assert {one.text for one in asked} == set("acde")


def test_a_batch_says_what_was_chosen_by_what(any_database: Database, tmp_path: Path):
    with any_database.write() as session:
        project = add_project(session, random_share=0.25, selection={"margin": 2.0, "cost": 1.0})
        version = add_version(session, project)
        documents = add_documents(session, project, map(str, range(60)))
        by_chance = select.select(session, project, None, 8)
        for document in documents:
            add_score(session, document, version)
            add_prediction(session, document, version, 0.5)
        session.flush()
        candidates = select.candidates_of_pool(session, project, version.id, tmp_path)
        assert candidates is not None
        best = candidates.in_order(12)
        ranked = select.select(session, project, version.id, 12, best, len(candidates))
        open_tasks(ranked[:5])
        assert ranked[0].task_state == TaskState.OPEN
        session.flush()
        new, old = newest_batches(session, project.id, 9)
        came_with = batches_of(session, [one.id for one in (*by_chance, *ranked, documents[-1])])
        older = newest_batches(session, project.id, 9, before=new.batch.id)
    assert (new.batch.mixture, old.batch.mixture) == ({"margin": 2.0, "cost": 1.0}, {})
    assert (new.version, old.version, new.open, old.open) == ("v1", None, 5, 0)
    assert [one.batch.id for one in older] == [old.batch.id]
    assert new.batch.at_random == sum(one.arm == Arm.RANDOM for one in ranked) == 3
    assert new.batch.candidates >= 9
    assert {came_with[one.id] for one in ranked} == {new.batch.id}


def test_a_strategy_that_there_is_not_cannot_be_set(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        with pytest.raises(InvalidInputError, match="no strategy 'luck'"):
            change_settings(session, project, {"selection": {"luck": 1}}, by="x")
        changed = change_settings(session, project, {"selection": {"random": 1}}, by="x")
    assert changed is not None
    assert changed.before == {"selection": {"mnlp": 1.0}}
    assert changed.after == {"selection": {"random": 1.0}}


def test_what_a_mixture_needs_is_asked_of_the_prediction_job():
    def scoring(**mixture: float) -> tuple[bool, int]:
        found = scoring_of(ProjectSettings(selection=mixture))
        return found.scores, found.dropout_passes

    assert scoring(random=1) == (False, 0)
    assert scoring(mnlp=1, k_means=1) == (True, 0)
    assert scoring(disagreement=1) == (True, 5)
