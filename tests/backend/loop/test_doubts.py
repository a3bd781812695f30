"""A look for doubts from the asking to the queue; what was decided is not asked again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from backend.context import Context, open_context
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.leases import LeaseLostError
from backend.db.review import sent_back
from backend.db.session import Database
from backend.db.tables import Document, Gold, GoldSource, Part, Project, now
from backend.db.tables_of_doubts import Doubt, DoubtDecision, DoubtRun, DoubtRunState
from backend.db.tables_of_errors import ErrorDecision
from backend.db.tables_of_review import Verdict
from backend.db.versions import locked_project
from backend.errors import ConflictError, NotFoundError
from backend.loop import doubts as looking
from backend.loop import review as loop
from backend.settings import Settings
from backend.workflow.review import decide as review
from backend.workflow.review.kinds import DOUBTS, Decision
from ml_backend.contract.messages import JobFolder, Progress, Result, write_jsonl
from ml_backend.contract.snapshot import read_manifest, read_part
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version

Say = Callable[[str, list[Any]], list[tuple[int, int, str, float]]]

LC = (0, 1, "LC", 0.9)


@pytest.fixture
def context(settings: Settings, any_database: Database) -> Context:
    opened = open_context(settings)
    return Context(settings, any_database, opened.queue)


@pytest.fixture
def project(context: Context) -> Project:
    """Twenty-four documents with gold, `PS` on the first character; two of them judge models."""
    with context.database.write() as session:
        project = add_project(session)
        for number, document in enumerate(
            add_documents(
                session, project, [*(f"김서 {n:02} 부산" for n in range(24)), "김서 00 부산"]
            )
        ):
            add_gold(session, document, part=Part.GATE if number < 2 else None)
        return project


def say(folder: JobFolder, said: Say) -> list[str]:
    """What the training worker would find; the documents that it was given."""
    lines, names = [], []
    for document in read_part(folder.snapshot, "train"):
        entities = said(document.text, [(e.start, e.end, e.label, 0.9) for e in document.entities])
        keys = {one[:3] for one in entities}
        gold = [
            _span(e.start, e.end, e.label, 0.9 if e.key in keys else 0.05)
            for e in document.entities
        ]
        tags = [0.1 if keys != {e.key for e in document.entities} else 0.9] * len(document.text)
        found = [_span(*one) for one in entities]
        lines.append({"id": document.id, "gold": gold, "entities": found, "tags": tags})
        names.append(document.text)
    write_jsonl(folder.doubts, lines)
    folder.write_result(Result("done", figures={"documents": len(lines), "f1": [0.8]}))
    return names


def _span(start: int, end: int, label: str, chance: float) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "probability": chance, "others": {}}


def look(context: Context, project: Project, said: Say) -> DoubtRun:
    """A whole look: asked for, frozen, read, ranked."""
    run = looking.ask(context, project.key, "curator@example.com")
    looking.advance(context, run.id)
    say(JobFolder(context.settings.jobs / f"doubts-{run.id}"), said)
    assert looking.advance(context, run.id) == DoubtRunState.DONE
    with context.database.read() as session:
        return session.get_one(DoubtRun, run.id)


def waiting(context: Context, project: Project) -> list[tuple[Doubt, Document]]:
    with context.database.read() as session:
        return doubts.open_doubts(session, project.id, WantedDoubts(), 0, 100)


def decide(context: Context, project: Project, verdict: Verdict, doubt: Doubt) -> Decision:
    by, revision = "curator@example.com", doubt.gold_revision
    return loop.decide(context, project.id, DOUBTS, doubt.id, revision, verdict, by)


def other_label(numbers: set[int]) -> Say:
    """A model that says LC where gold says PS, in some documents."""
    return lambda text, gold: [LC] if int(text[3:5]) in numbers else gold


def test_all_gold_is_read_once_a_group_held_out_roles_too(
    context: Context, project: Project
) -> None:
    run = looking.ask(context, project.key, "curator@example.com")
    with pytest.raises(ConflictError, match="already"):
        looking.ask(context, project.key, "somebody else")
    assert looking.advance(context, run.id) == DoubtRunState.WAITING
    folder = JobFolder(context.settings.jobs / f"doubts-{run.id}")
    assert read_manifest(folder.snapshot).counts == {"train": 24}
    assert folder.doubts_request().project_key == project.key
    assert len(say(folder, other_label({3}))) == 24
    assert looking.advance(context, run.id) == DoubtRunState.DONE
    ((doubt, document),) = waiting(context, project)
    assert document.text == "김서 03 부산"
    assert (doubt.kind, doubt.label, doubt.rank) == ("label", "PS", 1)
    assert doubt.gold == [{"start": 0, "end": 1, "label": "PS"}]
    assert doubt.evidence["strings"] == {"김": {"PS": 23}}
    assert len(doubt.evidence["similar"]) == 3
    with context.database.read() as session:
        figures = session.get_one(DoubtRun, run.id).figures
    assert (figures["kept"], figures["documents"]) == (1, 24)
    assert not folder.path.exists()


def test_a_document_is_as_doubtful_as_its_most_doubtful_place(
    context: Context, project: Project
) -> None:
    def two_places(text: str, gold: list[Any]) -> list[Any]:
        number = int(text[3:5])
        missed = [(6, 8, "LC", 0.9 - number / 100)]
        return [LC, *missed] if number == 3 else gold + missed if number in (4, 5) else gold

    look(context, project, two_places)

    def listed(**wanted: Any) -> list[tuple[str, str, float]]:
        with context.database.read() as session:
            found = doubts.open_doubts(session, project.id, WantedDoubts(**wanted), 0, 100)
        return [(document.text[3:5], doubt.kind, doubt.score) for doubt, document in found]

    places, whole = listed(), listed(documents=True)
    assert sorted(text for text, *_ in places) == ["03", "03", "04", "05"]
    assert sorted(text for text, *_ in whole) == ["03", "04", "05"]
    best = {text: max(s for name, _, s in places if name == text) for text, *_ in places}
    assert [score for *_, score in whole] == sorted(best.values(), reverse=True)
    assert {text: score for text, _, score in whole} == best
    assert {text for text, *_ in listed(documents=True, kind="missed")} == {"03", "04", "05"}
    ((first, _),) = [one for one in waiting(context, project) if one[0].rank == 1]
    decide(context, project, Verdict.GOLD, first)
    assert sorted(text for text, *_ in listed(documents=True)) == ["03", "04", "05"]


def test_what_was_confirmed_is_not_asked_again_until_that_piece_of_gold_changes(
    context: Context, project: Project
) -> None:
    look(context, project, other_label({3, 4}))
    (first, document), (second, _) = waiting(context, project)
    decide(context, project, Verdict.GOLD, first)
    assert [one.id for one, _ in waiting(context, project)] == [second.id]
    look(context, project, other_label({3, 4}))
    (again,) = waiting(context, project)
    assert again[1].id == second.document_id
    with context.database.write() as session:
        add_gold(session, session.get_one(Document, document.id), label="LC")
    look(
        context, project, lambda text, gold: [(0, 1, "PS", 0.9)] if text == document.text else gold
    )
    assert [one[1].id for one in waiting(context, project)] == [document.id]


def test_that_nothing_is_there_is_confirmed_for_its_place_alone(
    context: Context, project: Project
) -> None:
    look(context, project, lambda text, gold: [*gold, (6, 8, "LC", 0.9)] if "05" in text else gold)
    ((doubt, document),) = waiting(context, project)
    assert doubt.kind == "missed"
    decide(context, project, Verdict.GOLD, doubt)
    look(context, project, lambda text, gold: [*gold, (7, 8, "PS", 0.9)] if "05" in text else gold)
    assert waiting(context, project) == []
    look(context, project, lambda text, gold: [*gold, (3, 5, "PS", 0.9)] if "05" in text else gold)
    assert [one[1].id for one in waiting(context, project)] == [document.id]


def test_a_proposal_becomes_gold_of_copies_too_and_the_other_doubts_of_the_document_stay(
    context: Context, project: Project
) -> None:
    both = [(0, 1, "LC", 0.9), (6, 8, "LC", 0.6)]
    look(context, project, lambda text, gold: both if "00" in text else gold)
    found = {one.kind: one for one, _ in waiting(context, project)}
    decision = decide(context, project, Verdict.MODEL, found["label"])
    with context.database.read() as session:
        golds = session.scalars(select(Gold).where(Gold.source == GoldSource.DECISION)).all()
        assert [gold.entities for gold in golds] == [[{"start": 0, "end": 1, "label": "LC"}]] * 2
    ((left, _),) = waiting(context, project)
    assert left.kind == "missed"
    with context.database.write() as session:
        review.undo(session, locked_project(session, project.id), DOUBTS, decision.id, "me")
    # people's own annotations are lacking here: without them nothing is left to doubt
    with context.database.read() as session:
        assert session.scalars(select(Gold).where(Gold.source == GoldSource.DECISION)).all() == []
    with pytest.raises(ConflictError, match="taken back already"), context.database.write() as s:
        review.undo(s, locked_project(s, project.id), DOUBTS, decision.id, "me")


def test_a_doubt_that_went_back_stays_until_people_have_answered(
    context: Context, project: Project
) -> None:
    look(context, project, other_label({3}))
    ((doubt, document),) = waiting(context, project)
    with pytest.raises(ConflictError, match="not connected"):
        decide(context, project, Verdict.SENT, doubt)
    with context.database.write() as session:
        row = session.get_one(Project, project.id)
        row.label_studio_id, row.connected_at = 5, now()
    decision = decide(context, project, Verdict.SENT, doubt)
    assert decision.queue_number == 1
    look(context, project, other_label({3}))
    assert waiting(context, project) == []
    with context.database.read() as session:
        (sent,) = sent_back(session, DoubtDecision, project.id, 0, 10)
        assert (sent.decision.id, sent.answered, sent.there) == (decision.id, False, True)
    with context.database.write() as session:
        add_gold(session, session.get_one(Document, document.id), label="LC")
    look(context, project, other_label(set()))
    with context.database.read() as session:
        assert sent_back(session, DoubtDecision, project.id, 0, 10) == []


def test_gold_that_changed_while_it_was_read_is_not_doubted(
    context: Context, project: Project
) -> None:
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    with context.database.write() as session:
        third = session.scalars(select(Document).order_by(Document.id).offset(3)).first()
        add_gold(session, third, label="LC")
    say(JobFolder(context.settings.jobs / f"doubts-{run.id}"), other_label({3, 4}))
    looking.advance(context, run.id)
    assert [document.text for _, document in waiting(context, project)] == ["김서 04 부산"]


def test_a_second_decision_and_one_about_other_gold_are_refused(
    context: Context, project: Project
) -> None:
    look(context, project, other_label({3, 4}))
    (first, _), (second, document) = waiting(context, project)
    decide(context, project, Verdict.GOLD, first)
    with pytest.raises(ConflictError, match="decided already: the gold is right"):
        decide(context, project, Verdict.MODEL, first)
    with context.database.write() as session:
        add_gold(session, session.get_one(Document, document.id))
    with pytest.raises(ConflictError, match="changed meanwhile"):
        decide(context, project, Verdict.MODEL, second)
    second.id = 999_999
    with pytest.raises(NotFoundError):
        decide(context, project, Verdict.GOLD, second)


def test_a_look_that_fails_or_is_lost_says_why(context: Context, project: Project) -> None:
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    folder = JobFolder(context.settings.jobs / f"doubts-{run.id}")
    folder.write_progress(Progress(1, "training", 1, 10))
    assert looking.advance(context, run.id) == DoubtRunState.RUNNING
    folder.write_result(Result("failed", "no memory"))
    assert looking.advance(context, run.id) == DoubtRunState.FAILED
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    folder = JobFolder(context.settings.jobs / f"doubts-{run.id}")
    folder.doubts.write_text('{"id": 3')
    folder.write_result(Result("done"))
    assert looking.advance(context, run.id) == DoubtRunState.FAILED
    with context.database.read() as session:
        assert "cannot be used" in session.get_one(DoubtRun, run.id).reason
        assert doubts.active_doubt_runs(session) == []
    assert not folder.path.exists()


def test_whatever_goes_wrong_in_ranking_ends_the_look_with_its_reason(
    context: Context, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("an odd place")

    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    say(JobFolder(context.settings.jobs / f"doubts-{run.id}"), other_label({3}))
    monkeypatch.setattr(looking, "evidence_for", fail)
    assert looking.advance(context, run.id) == DoubtRunState.FAILED
    with context.database.read() as session:
        reason = session.get_one(DoubtRun, run.id).reason
    assert reason == "what was read cannot be used: ZeroDivisionError: an odd place"


def test_who_loses_the_lease_while_ranking_leaves_the_look_to_its_new_holder(
    context: Context, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> None:
        raise LeaseLostError("doubts")

    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    say(JobFolder(context.settings.jobs / f"doubts-{run.id}"), other_label({3}))
    with monkeypatch.context() as patched:
        patched.setattr(looking, "evidence_for", lose)
        with pytest.raises(LeaseLostError):
            looking.advance(context, run.id)
    assert looking.advance(context, run.id) == DoubtRunState.DONE


def test_a_folder_that_a_dead_look_left_is_swept_and_others_stay(
    context: Context, project: Project
) -> None:
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    left = [context.settings.jobs / name for name in ("doubts-99999", "predict-1")]
    for path in left:
        path.mkdir()
    looking.sweep(context)
    assert [path.exists() for path in left] == [False, True]
    assert (context.settings.jobs / f"doubts-{run.id}").exists()


def test_a_look_is_stopped_before_it_begins_and_while_it_trains(
    context: Context, project: Project
) -> None:
    with pytest.raises(ConflictError, match="no gold"):
        looking.cancel(context, project.key, "me")
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    assert looking.cancel(context, project.key, "me").state == DoubtRunState.CANCELLED
    assert not list(context.settings.jobs.glob("doubts-*"))
    run = looking.ask(context, project.key, "me")
    looking.advance(context, run.id)
    folder = JobFolder(context.settings.jobs / f"doubts-{run.id}")
    folder.write_progress(Progress(1, "training", 1, 10))
    looking.advance(context, run.id)
    assert looking.cancel(context, project.key, "me").state == DoubtRunState.RUNNING
    assert folder.cancel_asked()
    folder.write_result(Result("cancelled", "cancelled on request"))
    assert looking.advance(context, run.id) == DoubtRunState.CANCELLED
    assert not folder.path.exists()


def test_too_little_gold_is_not_looked_through(context: Context) -> None:
    with context.database.write() as session:
        small = add_project(session, "small")
        for document in add_documents(session, small, ["하나", "둘"]):
            add_gold(session, document)
    with pytest.raises(ConflictError, match="20 gold documents, there are 2"):
        looking.ask(context, "small", "me")
    with pytest.raises(NotFoundError):
        looking.advance(context, 999)


def test_gold_that_was_upheld_against_the_champion_is_not_doubted(
    context: Context, project: Project
) -> None:
    with context.database.write() as session:
        third, fourth = session.scalars(select(Document).order_by(Document.id).offset(3).limit(2))
        decision = ErrorDecision(
            project_id=project.id,
            document_id=third.id,
            version_id=add_version(session, project).id,
            verdict=Verdict.GOLD,
            gold_revision=session.get_one(Gold, third.id).revision,
            made_by="me",
        )
        session.add(decision)
    look(context, project, other_label({3, 4}))
    assert [document.id for _, document in waiting(context, project)] == [fourth.id]
