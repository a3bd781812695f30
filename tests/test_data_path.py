"""The executable overview: one small project goes through the ten stages, in order.

    import → dedupe → select → preannotate → correct
    → retrain → gate → publish → autolabel → release

Each stage is called as the loop calls it, in a transaction of its own; the two jobs of the ML
backend run here in the test's process, on the same job folders that workers would take. The
servers around the stages are in tests/e2e.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.db import pool, runs, versions
from backend.db.projects import project_by_key
from backend.db.tables import (
    Arm,
    Document,
    Gold,
    GoldSource,
    Part,
    Prediction,
    Project,
    RunState,
    Version,
)
from backend.sample.generate import generate
from backend.settings import ProjectSettings
from backend.workflow import gate, preannotate, publish, release, retrain, select
from backend.workflow.autolabel import label_copies
from backend.workflow.dedupe import dedupe
from backend.workflow.formats.reading import read_path
from backend.workflow.gold.origins import Origins, read_annotation
from backend.workflow.gold.record import record_state
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.ready_documents import chunks
from backend.workflow.projects.create import create_project
from backend.workflow.versions import snapshot
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.label_studio import parse_label_config, to_regions
from ml_backend.contract.messages import JobFolder, read_jsonl, write_jsonl
from ml_backend.contract.model_store import Champion, ModelStore
from ml_backend.contract.snapshot import read_part
from ml_backend.serving.predict_file import predict_file
from ml_backend.training.run import train

CONFIGURATION = Path("annotation_configs/general.xml")
QUICK = {"min_steps": 120, "max_steps": 120, "hidden": 32, "learning_rate": 0.01, "looks": 2}
THRESHOLD = 5


class Workbench:
    """What the entry points hold: a database, a model store, a folder of jobs."""

    def __init__(self, database, folder: Path):
        self.database, self.store, self.jobs = database, ModelStore(folder / "models"), folder
        self.settings = ProjectSettings(
            retrain_threshold=THRESHOLD, gate_min_documents=5, gate_margin=1.0,
            gate_class_margin=1.0, training=QUICK,
        )  # fmt: skip
        with database.write() as session:
            project = create_project(session, "p", "p", CONFIGURATION.read_text("utf-8"), by="x")
            project.settings = self.settings.model_dump()
        self.project_id, self.labels = project.id, LabelSet(tuple(project.labels))
        self.control = parse_label_config(project.label_config)

    def import_file(self, path: Path, gold: str | None):
        for chunk in chunks(read_path(path), self.labels):
            with self.database.write() as session:
                yield import_lines(session, self.project_id, chunk.ready, gold), chunk.refused

    def train_and_judge(self, asked_by: str) -> tuple[Version, gate.GateDecision]:
        """Stages 6 and 7 as one run goes through them."""
        with self.database.write() as session:
            project = versions.locked_project(session, self.project_id)
            run = retrain.open_run(session, project, asked_by).run
            job = JobFolder(self.jobs / f"run-{run.id}")
            frozen = snapshot.freeze(session, project, job.snapshot)
            name = retrain.next_version_name(project)
            opponent = retrain.opponent_name(session, project)
            request = retrain.train_request(project, run, name, self.store.root, opponent, seed=0)
            job.write_request(request)
            run.folder, run.gold_revision = str(job.path), frozen.gold_revision
        train(str(job.path))
        gold = list(read_part(job.snapshot, "gate"))
        challenger = self.tagged(job.gate_predictions(name))
        champion = self.tagged(job.gate_predictions(opponent)) if opponent else None
        decision = gate.decide(gold, champion, challenger, self.settings)
        with self.database.write() as session:
            run = session.get_one(type(run), run.id)
            retrain.look(session, run, job, datetime.now(UTC), lease_seconds=30)
            version = session.get_one(Version, run.version_id)
            retrain.finish(run, RunState.PROMOTED, decision.reason, datetime.now(UTC))
        return version, decision

    def tagged(self, path: Path) -> list[list[Entity]]:
        return [
            [Entity(e["start"], e["end"], e["label"]) for e in record["entities"]]
            for record in read_jsonl(path)
        ]

    def predict(self, version: Version, documents: list[Document]) -> None:
        """Stage 4: the job folder, the worker, our own copy."""
        ids = [document.id for document in documents]
        job = preannotate.job_folder(self.jobs, "p", version.name, ids)
        preannotate.write_job(job, "p", version.name, self.store.root, documents)
        predict_file(str(job.path))
        for records in preannotate.read_output(job):
            with self.database.write() as session:
                preannotate.store(session, version.id, records, ids)

    def publish(self, version: Version) -> None:
        """Stage 8 without the servers: the pointer moves, the version is crowned."""
        self.store.set_champion("p", Champion(version.name, CONFIGURATION.read_text("utf-8")))
        with self.database.write() as session:
            project = versions.locked_project(session, self.project_id)
            publication = publish.open_publication(session, project, version, "the test")
            publish.crown(session, project, publication, datetime.now(UTC))


@pytest.fixture
def bench(database, tmp_path) -> Workbench:
    return Workbench(database, tmp_path)


def test_a_project_goes_through_the_ten_stages(bench, tmp_path):
    database = bench.database
    sample = list(generate(220, seed=5))
    parts = {"train": sample[:90], "random": sample[90:150], None: sample[150:]}

    # 1 import: every line is a document, or refused with file, line and reason
    for gold, documents in parts.items():
        path = tmp_path / f"{gold}.jsonl"
        records = [document.to_dict() for document in documents]
        write_jsonl(path, [*records, {"text": 7}])
        reports = list(bench.import_file(path, gold))
        assert sum(report.added for report, _ in reports) == len(documents)
        refused = [line for _, lines in reports for line in lines]
        assert [(line.file, line.line) for line in refused] == [(path.name, len(documents) + 1)]

    # 2 dedupe: one canonical document a text, its copies set aside
    with database.write() as session:
        copies = dedupe(session, bench.project_id, limit=1000).copies
    assert copies > 0

    # 6 retrain and 7 gate, for the first time: a version that needs no opponent
    first, decision = bench.train_and_judge("the test")
    assert decision.promoted
    bench.publish(first)

    # 3 select: least confident first, a random arm among them that may judge models
    with database.read() as session:
        waiting = list(session.scalars(pool.pool(bench.project_id)))
    bench.predict(first, waiting)
    with database.write() as session:
        project = versions.locked_project(session, bench.project_id)
        order = select.select(session, project, first.id, wanted=20)
        sure = pool.confidences(session, first.id, [document.id for document in order])
    ranked = [sure[document.id] for document in order if document.arm == Arm.RANKED]
    assert ranked == sorted(ranked)
    assert {document.arm for document in order} == {Arm.RANKED, Arm.RANDOM}
    assert all(document.part != Part.TRAIN for document in order if document.arm == Arm.RANDOM)

    # 4 preannotate: what Label Studio gets is the version's entities and the place in the queue
    with database.read() as session:
        predictions = pool.predictions(session, first.id, [document.id for document in order])
    shown = [
        preannotate.label_studio_prediction(one, predictions[one.id], first, bench.control)
        for one in order
    ]
    scores = [prediction["score"] for prediction in shown]
    assert scores == sorted(scores)
    assert {prediction["model_version"] for prediction in shown} == {first.name}

    # 5 correct: an annotation becomes gold, and says what the person changed
    truth = {document.id: list(document.entities) for document in sample}
    for number, document in enumerate(order[:THRESHOLD], start=1):
        regions, _ = to_regions(truth[document.external_id], document.text, bench.control)
        annotation = {
            "id": number, "task": number, "result": regions, "lead_time": 4.0,
            "updated_at": "2026-01-01T00:00:00Z", "parent_prediction": number,
            "completed_by": {"id": 1, "email": "annotator-1@example.com"},
        }  # fmt: skip
        origins = Origins({1: "annotator-1@example.com"}, {number: shown[number - 1]})
        with database.write() as session:
            found = session.get_one(Document, document.id)
            recorded = record_state(session, found, read_annotation(annotation, origins))
            assert recorded.gold_changed
            gold = session.get_one(Gold, document.id)
            assert gold.source == GoldSource.PERSON
            assert {(e["start"], e["end"], e["label"]) for e in gold.entities} == {
                entity.key for entity in truth[document.external_id]
            }

    # 6 retrain: the threshold is reached; 7 gate: both versions on the same frozen gold
    with database.read() as session:
        project = project_by_key(session, "p")
        assert retrain.due(session, project) == THRESHOLD
        assert retrain.triggered(session, project)
    second, decision = bench.train_and_judge("threshold")
    assert decision.promoted
    assert {"champion", "challenger", "difference"} <= decision.numbers.keys()

    # 8 publish: the pointer moves, the old version is retired
    bench.publish(second)
    assert bench.store.champion("p").version == second.name
    with database.read() as session:
        assert versions.champion(session, project_by_key(session, "p")).name == second.name
        assert runs.active_run(session, bench.project_id) is None
        kept = session.get(Prediction, (order[0].id, first.id))
    assert kept is not None  # our own copy of what the annotator saw

    # 9 autolabel: copies follow the gold of the document that they are copies of
    with database.write() as session:
        project = versions.locked_project(session, bench.project_id)
        labelled = label_copies(session, project)
    assert labelled > 0

    # 10 release: every line verified against its text
    with database.read() as session:
        project = session.get_one(Project, bench.project_id)
        lines = [
            json.loads(release.line_of(gold)) for gold in release.gold_records(session, project)
        ]
        assert len(lines) == session.query(Gold).count()
    assert {line["source"] for line in lines} == {"person", "imported", "copied"}
    for line in lines:
        for entity in line["entities"]:
            assert line["text"][entity["start"] : entity["end"]] == entity["text"]
