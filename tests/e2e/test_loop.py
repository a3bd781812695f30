"""Annotate to publication, and a challenger that is not let through."""

import pytest
from sqlalchemy import select

from backend.db.tables import (
    Account,
    AnnotationState,
    Gold,
    GoldSource,
    RunState,
    Version,
    VersionState,
)

pytestmark = pytest.mark.real


def test_corrections_become_a_published_version(new_loop):
    loop = new_loop("turn", retrain_threshold=12, gate_margin=1.0, gate_class_margin=1.0)
    first, last_run = loop.champion, loop.last_run()
    annotator = loop.annotator()

    annotator.work(12)
    run = loop.watch(after=last_run)
    loop.wait(lambda: loop.champion.id != first.id, "the new champion")
    second = loop.published()

    assert (run.asked_by, run.state) == ("threshold", RunState.PROMOTED)
    label_studio = loop.stack.context.label_studio
    assert label_studio.project(loop.project.label_studio_id)["model_version"] == second.name
    for task in label_studio.tasks(loop.project.label_studio_id):
        versions = [row["model_version"] for row in task["predictions"]]
        if not task["annotations"]:
            assert versions.count(second.name) == 1, versions
            assert first.name in versions  # an annotator may still have it open
    with loop.stack.context.database.read() as session:
        states = session.scalars(
            select(AnnotationState).where(AnnotationState.project_id == loop.project.id)
        ).all()
        gold = {
            row.document_id: row
            for row in session.scalars(select(Gold).where(Gold.project_id == loop.project.id))
        }
        account = session.get(Account, states[0].account_id)
        old = session.get(Version, first.id)
    assert len(states) == 12
    assert {state.version_name for state in states} == {first.name}
    assert all(state.lead_time > 0 for state in states)
    assert account is not None
    assert "@" in account.email
    assert old.state == VersionState.RETIRED
    for document_id in annotator.submitted:
        wanted = [entity.to_dict() for entity in annotator.gold[document_id]]
        assert gold[document_id].source == GoldSource.PERSON
        found = [{k: e[k] for k in ("start", "end", "label")} for e in gold[document_id].entities]
        assert found == wanted
    counted = sum(sum(state.correction.values()) for state in states)
    assert counted == sum(annotator.edits.values())


def test_a_sabotaged_challenger_is_refused(loop):
    champion, last_run = loop.champion, loop.last_run()
    loop.configure(training={"max_steps": 1})
    loop.stack.context.queue.ring("default", "backend.jobs.request_training", loop.key, "a test")
    run = loop.watch(after=last_run)
    loop.configure(training={"max_steps": 150})

    assert run.state == RunState.REFUSED
    assert "F1" in run.reason
    assert loop.champion.id == champion.id
    live = loop.stack.context.label_studio.project(loop.project.label_studio_id)
    assert live["model_version"] == champion.name
    assert loop.stack.context.models.champion(loop.key).version == champion.name
