"""`goldloop project` and `goldloop sync` as people type them, with the real Label Studio."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import goldloop
from backend.commands.project import project_by_key
from backend.db import pool
from backend.db.tables import Document, Gold
from backend.demo.stack import environment_of
from backend.loop import working_set
from backend.workflow.versions import snapshot
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config, to_regions
from ml_backend.contract.snapshot import read_part
from tests.backend.loop.conftest import World

pytestmark = pytest.mark.real

DISEASE, DRUG = "질병/증상", "약물 (성분)"
CONFIG = (
    '<View><Text name="t" value="$text"/><Labels name="l" toName="t">'
    f'<Label value="{DISEASE}"/><Label value="Drug" alias="{DRUG}"/></Labels></View>'
)
TEXT = "고열로 아스피린을 복용"
ENTITIES = [Entity(0, 2, DISEASE), Entity(4, 8, DRUG)]


@pytest.fixture
def typed(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for name, value in environment_of(world.context.settings).items():
        monkeypatch.setenv(name, value)

    def invoke(*words: object) -> str:
        told = CliRunner().invoke(goldloop, [str(word) for word in words])
        if told.exception is not None:
            raise told.exception
        return told.output

    return invoke


def regions() -> list[dict[str, object]]:
    return to_regions(ENTITIES, TEXT, parse_label_config(CONFIG))[0]


def synced(typed, key: str) -> dict[str, object]:
    found = json.loads(typed("sync", key, "--json"))["found"]
    assert isinstance(found, dict)
    return found


def test_adopt_connect_and_sync(world, typed):
    client = world.context.label_studio
    number = client.create_project("old work", CONFIG)
    tasks = client.import_tasks(number, [{"data": {"text": TEXT}}, {"data": {"text": "둘째"}}])
    client.submit(tasks[0], regions())

    told = typed("project", "adopt", "taken-over", "--label-studio-project", number)
    assert "nothing was changed in Label Studio" in told
    assert client.wiring.webhooks(number) == client.wiring.ml_backends(number) == []
    assert "gold by people" in typed("project", "show", "taken-over")

    assert f"/projects/{number}" in typed("project", "connect", "taken-over")
    (hook,) = client.wiring.webhooks(number)
    assert hook["url"] == f"{world.context.settings.public_url}/webhooks/taken-over"
    assert [one["title"] for one in client.wiring.ml_backends(number)] == ["goldloop-taken-over"]

    assert synced(typed, "taken-over") == {}
    client.submit(tasks[1], [])  # nobody listens at the hook's address
    assert synced(typed, "taken-over") == {"annotations_created": 1}
    assert synced(typed, "taken-over") == {}


def test_labels_with_slash_parentheses_and_alias_from_configuration_to_export(
    world, typed, tmp_path
):
    config, lines, out = (tmp_path / name for name in ("c.xml", "in.jsonl", "out.jsonl"))
    config.write_text(CONFIG, "utf-8")
    lines.write_text(json.dumps({"id": "a", "text": TEXT}) + "\n", "utf-8")
    typed("project", "create", "medicine", "--config", config)
    typed("project", "set", "medicine", "random_share=0")
    typed("import", "medicine", lines)
    typed("project", "connect", "medicine")
    client = world.context.label_studio
    with world.context.database.read() as session:
        project = project_by_key(session, "medicine")
    assert working_set.top_up(world.context, project.id) == 1
    (task,) = client.tasks(project.label_studio_id)
    client.import_predictions(
        project.label_studio_id,
        [{"task": task["id"], "result": regions(), "score": 0.5, "model_version": "v1"}],
    )
    (prediction,) = client.task(task["id"])["predictions"]
    client.submit(task["id"], prediction["result"], parent_prediction=prediction["id"])
    assert synced(typed, "medicine") == {"annotations_created": 1}

    typed("export", "medicine", "--out", out)
    expected = [(one.start, one.end, one.label) for one in ENTITIES]
    exported = json.loads(out.read_text("utf-8"))
    assert [(e["start"], e["end"], e["label"]) for e in exported["entities"]] == expected
    with world.context.database.read() as session:
        project = project_by_key(session, "medicine")
        assert project.labels == [DISEASE, DRUG]
        snapshot.freeze(session, project, tmp_path / "snapshot")
    (frozen,) = read_part(tmp_path / "snapshot", "train")
    assert [(one.start, one.end, one.label) for one in frozen.entities] == expected


def test_a_label_studio_project_that_was_deleted_is_made_again(world, typed):
    client = world.context.label_studio
    project = world.project(documents=6, attached=True, open_tasks=4)
    world.fill(project)
    done, *still_open = world.open_documents(project)
    client.submit(done.task_id, [])
    synced(typed, project.key)
    client._call("DELETE", f"api/projects/{project.label_studio_id}/")
    assert synced(typed, project.key) == {"project_missing": 1}

    told = typed("project", "connect", project.key)
    assert f"Label Studio project {project.label_studio_id} is gone: a new one was made" in told
    new = world.fresh(project)
    assert new.label_studio_id != project.label_studio_id
    world.fill(new)
    texts = {task["data"]["text"] for task in client.tasks(new.label_studio_id)}
    assert {document.text for document in still_open} <= texts
    assert done.text not in texts
    with world.context.database.read() as session:
        kept = pool.documents(session, [done.id])[done.id]
        assert isinstance(kept, Document)
        assert kept.gold is not None
    assert synced(typed, project.key) == {}


def test_a_project_of_the_same_number_elsewhere_is_left_alone(world, typed):
    client = world.context.label_studio
    project = world.project(documents=6, attached=True, open_tasks=4)
    world.fill(project)
    typed("project", "connect", project.key)
    synced(typed, project.key)
    known = world.fresh(project)
    made = client.project(project.label_studio_id)["created_at"]
    assert (known.label_studio_since, known.writable_id) == (made, project.label_studio_id)
    with world.context.database.write() as session:  # as if this were another server's
        known = project_by_key(session, project.key)
        known.label_studio_since = "2020-02-02T20:20:20.202020Z"
    assert synced(typed, project.key) == {"project_missing": 1}
    assert world.fresh(project).writable_id is None

    before = client.project(project.label_studio_id)
    typed("project", "connect", project.key)
    new = world.fresh(project)
    assert new.writable_id not in (None, project.label_studio_id)
    assert new.label_studio_since == client.project(new.label_studio_id)["created_at"]
    world.fill(new)
    assert len(list(client.tasks(new.label_studio_id))) == 4
    assert client.project(project.label_studio_id) == before
    assert synced(typed, project.key) == {}


def test_sync_sets_copies_aside_and_labels_them(world, typed):
    client = world.context.label_studio
    number = client.create_project("copies", CONFIG)
    (first,) = client.import_tasks(number, [{"data": {"text": TEXT}}])
    typed("project", "adopt", "copies", "--label-studio-project", number)
    client.submit(first, regions())
    (second,) = client.import_tasks(number, [{"data": {"text": TEXT}}])
    assert synced(typed, "copies") == {"annotations_created": 1, "tasks_created": 1}
    with world.context.database.read() as session:
        project = project_by_key(session, "copies")
        original, copy = (
            session.query(Document).filter_by(project_id=project.id, task_id=task).one()
            for task in (first, second)
        )
        assert (original.canonical_id, copy.canonical_id) == (None, original.id)
        gold, copied = (session.get_one(Gold, one.id) for one in (original, copy))
        assert (gold.source, copied.source) == ("person", "copied")
        assert copied.entities == gold.entities != []
