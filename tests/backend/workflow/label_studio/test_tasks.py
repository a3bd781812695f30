"""Tasks made in Label Studio become documents that may never judge a model."""

import pytest

from backend.db import pool
from backend.db.batches import add_batch, batches_with_tabs
from backend.db.tables import Document
from backend.errors import InvalidInputError
from backend.loop.import_files import import_file
from backend.workflow.dedupe import dedupe
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.label_studio.tasks import document_of_task, forget_project
from backend.workflow.projects.create import create_project
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.workflow.receiver import CONFIG

CONTROL = parse_label_config(CONFIG)


@pytest.fixture
def project(any_database):
    with any_database.write() as session:
        made = create_project(session, "news", "News", CONFIG, by="x")
        for name, text in (("a", "같은 글"), ("b", "다른 글")):
            session.add(
                Document(project_id=made.id, external_id=name, text=text, group_key=group_key(text))
            )
        session.flush()
        dedupe(session, made.id)
    return made


def taken(session, project, number, text):
    return document_of_task(session, project, {"id": number, "data": {"text": text}}, CONTROL)


def test_its_text_trains_only_and_its_copy_leaves_the_pool(any_database, project):
    with any_database.write() as session:
        found = taken(session, project, 1, "같은  글")
        assert (found.made, found.document.external_id) == (True, "ls-1")
        dedupe(session, project.id)
    with any_database.read() as session:
        documents = {one.external_id: one for one in session.query(Document)}
        parts = {name: (one.arm, one.part) for name, one in documents.items()}
        left = [one.external_id for one in session.scalars(pool.pool(project.id))]
    assert parts == {"a": ("ranked", "train"), "b": (None, None), "ls-1": ("ranked", "train")}
    assert documents["a"].canonical_id == documents["ls-1"].id
    assert left == ["b"]


def test_gold_imported_later_does_not_make_it_judge(any_database, project, tmp_path):
    with any_database.write() as session:
        taken(session, project, 1, "같은 글")
    file = tmp_path / "gold.jsonl"
    file.write_text('{"id": "c", "text": "같은 글", "entities": []}\n', "utf-8")
    import_file(any_database, "news", file, "random", lambda _: None)
    with any_database.read() as session:
        assert session.query(Document).filter_by(external_id="c").one().part == "train"


@pytest.mark.parametrize("text", ["half a pair \ud83d", "nul \x00"])
def test_what_is_no_text_is_refused_before_anything_is_written(any_database, project, text):
    with any_database.write() as session, pytest.raises(InvalidInputError, match="of task 1 holds"):
        taken(session, project, 1, text)
    with any_database.read() as session:
        assert session.query(Document).count() == 2


def test_when_the_whole_project_is_gone_what_was_open_waits_again(any_database, project):
    with any_database.write() as session:
        project = session.merge(project)
        project.label_studio_id = 7
        opened, done = (taken(session, project, n, f"글 {n}").document for n in (1, 2))
        opened.queue_number, done.queue_number, done.task_state = 1, 2, "done"
        add_batch(session, project, None, {}, 0, [opened]).tab_id = 3
        session.flush()
        forget_project(session, project)
    with any_database.read() as session:
        waiting = [one.external_id for one in pool.reserved_documents(session, project.id)]
        states = dict(session.query(Document.external_id, Document.task_state).all())
        assert batches_with_tabs(session, project.id) == []
    assert waiting == ["ls-1"]
    assert (states["ls-1"], states["ls-2"]) == (None, "deleted")
    assert project.label_studio_id is None
