"""Mappings, minimum support and smaller label sets through a real training and publication."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from backend.db import pool
from backend.db.gold import NewGold, put_gold
from backend.db.tables import (
    Document,
    GoldSource,
    Part,
    Project,
    Publication,
    Run,
    RunState,
    Version,
    now,
)
from backend.db.versions import active_publication, locked_project
from backend.loop import training
from backend.loop.add_labels import add_labels
from backend.loop.sync import sync
from backend.sample.generate import SampleDocument, generate
from backend.workflow.labels import map_labels
from backend.workflow.publish import stored
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import JobFolder
from ml_backend.contract.snapshot import read_manifest, read_part
from ml_backend.training.run import train
from tests.backend.loop.conftest import TINY, World

pytestmark = pytest.mark.real

PERSON, PLACE, COUNTRY = "사람", "행정구역", "국가명"
RENAMED, MERGED = "인물", "장소"
SAMPLE = list(generate(150, seed=11))


def add_gold(
    world: World,
    project: Project,
    sample: Sequence[SampleDocument],
    *,
    not_annotated: Sequence[str] = (),
) -> None:
    """Imported gold; every tenth document judges, every other tenth helps to choose."""
    with world.context.database.write() as session:
        held = locked_project(session, project.id)
        held.gold_revision += 1
        rows = []
        for number, made in enumerate(sample):
            document = Document(
                project_id=project.id,
                external_id=f"gold-{made.id}",
                text=made.text,
                group_key=hashlib.sha256(made.text.encode()).hexdigest(),
                deduped=True,
                part={0: Part.GATE, 1: Part.DEV}.get(number % 10, Part.TRAIN),
                not_annotated=sorted(not_annotated) or None,
            )
            session.add(document)
            session.flush()
            entities = [
                {"start": one.start, "end": one.end, "label": one.label}
                for one in made.entities
                if one.label not in not_annotated
            ]
            rows.append(
                NewGold(document.id, entities, GoldSource.IMPORTED, held.gold_revision, now())
            )
        put_gold(session, held, rows)


def run_to_the_end(world: World, project: Project) -> Run:
    """Ask for a training, do it here and now, and have it judged."""
    opened = training.request(world.context, project.key, "a test")
    assert opened.run is not None, opened.sentence
    with world.context.database.read() as session:
        folder = session.get_one(Run, opened.run.id).folder
    train(folder)
    for _ in range(3):
        if training.advance(world.context, opened.run.id) in (
            RunState.PROMOTED,
            RunState.REFUSED,
            RunState.WAITING,
            RunState.FAILED,
        ):
            break
    with world.context.database.read() as session:
        return session.get_one(Run, opened.run.id)


def published(world: World, project: Project, run: Run) -> Version:
    """See the publication of a promoted run through."""
    with world.context.database.read() as session:
        active = active_publication(session, project.id)
    if active is not None:
        active = world.finish(active.id)
    with world.context.database.read() as session:
        last = session.query(Publication).filter_by(version_id=run.version_id).one()
        assert (last.state, last.reason) == ("done", "")
        return session.get_one(Version, run.version_id)


def predicted_labels(world: World, project: Project, version: Version) -> Counter[str]:
    """What the version said of open documents, as we keep it."""
    ids = [document.id for document in world.open_documents(project)]
    with world.context.database.read() as session:
        kept = pool.predictions(session, version.id, ids)
    return Counter(entity["label"] for row in kept.values() for entity in row.entities)


def test_what_is_renamed_merged_left_out_or_not_annotated_reaches_the_model_and_comes_back(
    world: World,
):
    early, late = (
        Counter(one.label for made in part for one in made.entities)
        for part in (SAMPLE[:100], SAMPLE[100:])
    )
    rare = min(late, key=lambda label: (early[label], label))  # it will grow
    minimum = early[rare] + 1
    project = world.project(
        documents=24,
        open_tasks=20,
        min_support=minimum,
        gate_min_documents=1,
        gate_when_little="promote",
        training={**TINY, "min_steps": 200, "max_steps": 200},
    )
    with world.context.database.write() as session:
        held = locked_project(session, project.id)
        session.query(Version).filter_by(project_id=project.id).delete()
        held.next_version = 10
        map_labels.rename(session, held, PERSON, RENAMED, by="a test")
        map_labels.merge(session, held, PLACE, MERGED, by="a test")
        map_labels.merge(session, held, COUNTRY, MERGED, by="a test")
    add_gold(world, project, SAMPLE[:80])
    add_gold(world, project, SAMPLE[80:100], not_annotated=[COUNTRY])
    world.fill(project)

    # frozen and trained under the rules
    first = run_to_the_end(world, project)
    assert first.state == RunState.PROMOTED, first.reason
    folder = JobFolder(Path(first.folder))
    manifest = read_manifest(folder.snapshot)
    assert rare in manifest.left_out
    assert rare not in manifest.labels
    assert {RENAMED, MERGED} <= set(manifest.labels)
    assert not {PERSON, PLACE, COUNTRY} & set(manifest.labels)
    learned = list(read_part(folder.snapshot, "train"))
    assert {one.label for made in learned for one in made.entities} <= set(manifest.labels)
    smaller = {f"gold-{made.id}" for made in SAMPLE[80:100]}
    assert all((MERGED in made.missing) == (made.id in smaller) for made in learned)

    # published: people see the configuration's names, in Label Studio and from the ML backend
    version = published(world, project, first)
    kept = labels_of(version)
    assert (kept.trained, kept.left_out) == (tuple(manifest.labels), manifest.left_out)
    said = predicted_labels(world, project, version)
    assert said[RENAMED]
    assert not said[PERSON]
    studio, number = world.context.label_studio, project.label_studio_id
    there = stored(studio, number, version.name).by_task
    shown = Counter(
        region["value"]["labels"][0] for found in there.values() for region in found[0]["result"]
    )
    assert shown == Counter(
        {{RENAMED: PERSON, MERGED: PLACE}.get(label, label): count for label, count in said.items()}
    )
    document = next(one for one in SAMPLE if any(e.label == PERSON for e in one.entities))
    answer = httpx.post(
        f"{world.context.settings.ml_backend_url}/p/{project.key}/predict",
        auth=(
            world.context.settings.ml_backend_user,
            world.context.settings.ml_backend_password.get_secret_value(),
        ),
        json={"tasks": [{"id": 1, "data": {"text": document.text}}]},
        timeout=60,
    ).json()
    labels = {one["value"]["labels"][0] for one in answer["results"][0]["result"]}
    assert PERSON in labels
    assert RENAMED not in labels

    # the rare label grows and is trained again; the champion is judged by what it knows
    add_gold(world, project, SAMPLE[100:])
    with world.context.database.write() as session:
        held = locked_project(session, project.id)
        map_labels.rename(session, held, RENAMED, "PERSON", by="a test")
    second = run_to_the_end(world, project)
    manifest = read_manifest(JobFolder(Path(second.folder)).snapshot)
    assert rare in manifest.labels
    assert "PERSON" in manifest.labels
    champion = second.gate["champion"]["per_label"]
    assert RENAMED not in champion
    assert champion["PERSON"]["true_positive"] > 0


def test_a_label_that_is_added_is_in_label_studio_and_the_reconciliation_has_nothing_to_follow(
    world: World,
):
    project = world.project(documents=2)
    add_gold(world, project, SAMPLE[:1])
    assert add_labels(world.context, project.key, ["새 라벨"], by="x") == ["새 라벨"]
    theirs = world.context.label_studio.project(project.label_studio_id)["label_config"]
    fresh = world.fresh(project)
    assert fresh.label_config == theirs
    assert fresh.labels[-1] == parse_label_config(theirs).labels.labels[-1] == "새 라벨"
    assert fresh.label_since == {"새 라벨": 1}
    assert "configuration_changed" not in sync(world.context, project.id).to_dict()["found"]
