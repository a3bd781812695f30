"""One turn of the loop, unattended: correct, retrain, judge, publish, export; each verified."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.commands.export import export_gold
from backend.db.projects import project_by_key, settings_of
from backend.db.sharing import blind_slice
from backend.db.tables import Document, Run, RunState, TaskState, Version
from backend.demo.annotator import Annotator, newest_prediction
from backend.demo.corpus import Corpus
from backend.demo.seed import PROJECT_KEY, wait_published, watch_training
from backend.demo.stack import Stack
from backend.errors import GoldloopError
from backend.workflow.correct import clean
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import TextControl, parse_label_config
from ml_backend.contract.scoring import score


class CheckError(GoldloopError):
    """The loop did not do what it promises."""


def check_loop(stack: Stack, corpus: Corpus, console: Console) -> None:
    """Play the annotators for one turn; raises GoldloopError at the first broken promise."""
    context = stack.context
    with context.database.read() as session:
        project = project_by_key(session, PROJECT_KEY)
        threshold = settings_of(project).retrain_threshold
        first = session.get(Version, project.champion_id)
        last_run = max((run.id for run in _runs(session, project.id)), default=0)
        gold = gold_by_document(session, project.id, corpus)
        queue = _queue(session, project.id)
    assert first is not None
    assert project.label_studio_id is not None
    control = parse_label_config(project.label_config)
    annotator = Annotator(context.label_studio, project.label_studio_id, control, gold)

    annotator.work(threshold)
    _require(
        annotator.submitted == queue[:threshold],
        "the label stream did not serve the queue's order",
    )
    edits = " ".join(f"{kind} {count}" for kind, count in sorted(annotator.edits.items()))
    _line(console, "correct", f"{threshold} tasks from the label stream, in order; {edits}")

    run = watch_training(stack, PROJECT_KEY, console, after=last_run)
    _require(run.asked_by == "threshold", f"the run was asked for by {run.asked_by}")
    _line(console, "retrain", f"run {run.id}, asked for by the threshold of {threshold}")
    _require(run.state == RunState.PROMOTED, f"the gate said {run.state}: {run.reason}")
    _line(console, "gate", run.reason)

    second = wait_published(stack, PROJECT_KEY, console, run.version_id)
    _require(second.id == run.version_id, f"{second.name} is served, not the promoted version")
    _line(console, "publish", f"{second.name} is served after {first.name}")

    with context.database.read() as session:
        blind = blind_slice(session, list(gold))
    tasks = [
        task
        for task in context.label_studio.tasks(project.label_studio_id)
        if not task["annotations"] and int(task["data"]["goldloop_id"]) not in blind
    ]
    live = context.label_studio.project(project.label_studio_id)
    _require(
        live["model_version"] == second.name,
        f"Label Studio selects {live['model_version']}, not {second.name}",
    )
    before = _f1(tasks, first.name, control, gold)
    after = _f1(tasks, second.name, control, gold)
    figures = f"{before:.4f} → {after:.4f} on {len(tasks)} tasks nobody has labelled"
    _require(after > before, f"strict micro F1 did not rise: {figures}")
    _line(console, "pre-labels", f"strict micro F1 {figures}")
    following = context.label_studio.next_task(project.label_studio_id)
    _require(following is not None, "the label stream is empty")
    assert following is not None
    shown = newest_prediction(following)
    _require(
        shown is not None and shown["model_version"] == second.name,
        "the next task of the stream does not show the new version's prediction",
    )

    out = stack.settings.goldloop_home.resolve() / "gold.jsonl"
    exported = _verify_export(stack, out, {i: gold[i] for i in annotator.submitted})
    _line(console, "export", f"{exported} gold documents, every entity verified, in {out}")


def _verify_export(stack: Stack, out: Path, corrected: Mapping[int, Sequence[Entity]]) -> int:
    export_gold(stack.context.database, PROJECT_KEY, out)
    with stack.context.database.read() as session:
        names = dict(
            session.execute(
                select(Document.external_id, Document.id).where(Document.id.in_(corrected))
            ).all()
        )
    count, seen = 0, set()
    with out.open("rb") as file:
        for line in file:
            record: dict[str, Any] = orjson.loads(line)
            count += 1
            for entity in record["entities"]:
                sliced = record["text"][entity["start"] : entity["end"]]
                _require(sliced == entity["text"], f"{record['id']}: {sliced!r} is not {entity}")
            document_id = names.get(record["id"])
            if document_id is not None:
                seen.add(document_id)
                found = {(e["start"], e["end"], e["label"]) for e in record["entities"]}
                wanted = {entity.key for entity in corrected[document_id]}
                _require(found == wanted, f"{record['id']}: gold is not what was submitted")
    missing = set(corrected) - seen
    _require(not missing, f"{len(missing)} submitted documents are not in the export")
    return count


def _f1(
    tasks: Sequence[Mapping[str, Any]],
    version: str,
    control: TextControl,
    gold: Mapping[int, Sequence[Entity]],
) -> float:
    """Strict micro F1 of what Label Studio stores as this version's predictions."""
    wanted, predicted = [], []
    for task in tasks:
        rows = [row for row in task["predictions"] if row["model_version"] == version]
        _require(len(rows) > 0, f"task {task['id']} has no prediction of {version}")
        text = task["data"][control.text_field]
        predicted.append(clean(rows[-1]["result"], text, control)[0])
        wanted.append(gold[int(task["data"]["goldloop_id"])])
    return score(wanted, predicted).micro.f1


def gold_by_document(session: Session, project_id: int, corpus: Corpus) -> dict[int, list[Entity]]:
    known = {document.id: list(document.entities) for document in corpus.pool}
    rows = session.execute(
        select(Document.id, Document.external_id).where(Document.project_id == project_id)
    )
    return {number: known[name] for number, name in rows if name in known}


def _queue(session: Session, project_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Document.id)
            .where(Document.project_id == project_id, Document.task_state == TaskState.OPEN)
            .order_by(Document.queue_number)
        )
    )


def _runs(session: Session, project_id: int) -> Sequence[Run]:
    return session.scalars(select(Run).where(Run.project_id == project_id)).all()


def _require(held: bool, otherwise: str) -> None:
    if not held:
        raise CheckError(otherwise)


def _line(console: Console, stage: str, figure: str) -> None:
    console.print(f"[bold green]✓[/] {stage:<10} {figure}", highlight=False)
