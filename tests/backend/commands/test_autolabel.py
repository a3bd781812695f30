"""`goldloop autolabel` as people type it."""

import json

import pytest
from click.testing import CliRunner

from backend.commands.autolabel import autolabel_group
from backend.db import autolabels
from backend.db.tables import Gold, Project, now
from backend.db.tables_of_autolabel import AutolabelRun, PromiseState
from backend.errors import ConflictError
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.store import store
from tests.backend.workflow.autolabels.test_items import add_promise, texts
from tests.backend.workflow.loop_data import add_documents, add_project, add_version

SAID = [{"start": 0, "end": 2, "label": "PS", "probability": 0.97}]


@pytest.fixture
def documents(settings, database, monkeypatch, tmp_path) -> list[int]:
    """Five documents: two accepted by rule, three pending."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    with database.write() as session:
        project = add_project(session, audit_share=1)
        made = add_documents(session, project, texts(5))
        version = add_version(session, project)
        project.champion_id = version.id
        promise = add_promise(session, project, version)
        proposals = [
            Proposal(one.id, SAID, 0.99 if n < 2 else 0.4 + n / 10) for n, one in enumerate(made)
        ]
        store(session, project, version, promise, proposals, "run 1", now())
        return [one.id for one in made]


def typed(*words: object, fails: bool = False) -> str:
    told = CliRunner().invoke(autolabel_group, [str(word) for word in words])
    if told.exception is not None and not fails:
        raise told.exception
    return told.stdout if not fails else told.output


def lines(*words: object) -> list[dict]:
    return [json.loads(line) for line in typed(*words, "--json").splitlines()]


def test_status_tells_run_promise_and_items(documents):
    said = typed("status", "p")
    assert "no autolabel run yet" in said
    assert "promise 1 of v1, in_force: a document of confidence 0.9000 or more" in said
    assert "with probability 95% at least, at confidence 95%" in said
    assert "3 pending, 2 by rule" in said
    (told,) = lines("status", "p")
    assert told["run"] is None
    assert told["promise"]["threshold"] == 0.9
    assert told["items"]["pending"] == 3


def test_items_are_listed_by_state_with_what_they_mark(documents):
    assert typed("list", "p", "--state", "by_rule").splitlines() == [
        f"{number}  by_rule  0.990  롯데 PS" for number in documents[:2]
    ]
    first, *_ = listed = lines("list", "p")
    assert [one["document"] for one in listed] == documents
    assert (first["version"], first["promise"], first["audit"]) == ("v1", 1, "open")
    assert lines("list", "p", "--after", documents[3])[0]["document"] == documents[4]


def test_a_curator_accepts_rejects_and_sends(documents, database):
    said = typed("accept", "p", documents[2], "--by", "curator@example.com")
    assert said.splitlines()[0] == "1 accepted"
    assert "1 rejected" in typed("reject", "p", documents[0])
    assert "1 sent to Label Studio" in typed("send", "p", "--surest", 1)
    with database.read() as session:
        items = autolabels.items(session, documents)
        states = [items[number].state for number in documents]
        assert states == ["rejected", "by_rule", "by_person", "pending", "sent"]
        assert items[documents[2]].changed_by == "curator@example.com"
        assert session.get(Gold, documents[0]) is None
    with pytest.raises(ConflictError, match="cannot be accepted: it is sent"):
        typed("accept", "p", documents[4])
    assert "name the documents, or give --surest" in typed("accept", "p", fails=True)


def test_what_was_decided_is_undone_as_the_command_told(documents, database):
    (_, how) = typed("accept", "p", *documents[2:]).splitlines()
    assert how.startswith("undo: goldloop autolabel undo p ")
    assert typed(*how.split()[3:]) == "3 undone, 0 stay as they have changed since\n"
    with database.read() as session:
        items = autolabels.items(session, documents)
        assert [items[number].state for number in documents[2:]] == ["pending"] * 3


def test_promise_and_audit_are_told(documents):
    assert "promise 1 of v1, in_force" in typed("promise", "p")
    (told,) = lines("promise", "p")
    assert (told["state"], told["p"]) == (PromiseState.IN_FORCE, 0.95)
    assert "0 right, 0 wrong, 2 open; at most 100.0% can be right, 95% is promised" in typed(
        "audit", "p"
    )


def test_a_run_is_begun_paused_resumed_and_cancelled(documents, database):
    """Without Redis, as without workers, a run waits."""
    assert "autolabel run 1: 0 documents" in typed("start", "p")
    assert "done" in typed("status", "p")  # nothing was left to label
    with database.write() as session:
        session.add(
            AutolabelRun(
                project_id=session.query(Project).one().id, version_id=1, asked_by="a test"
            )
        )
    assert "run 2 is paused; goldloop autolabel resume p" in typed("pause", "p")
    assert "paused" in typed("status", "p")
    assert "run 2 is cancelled" in typed("cancel", "p")
    with pytest.raises(ConflictError, match="no autolabel run of p"):
        typed("resume", "p")
    assert "0 documents labelled, done" in typed("start", "p", "--wait")
