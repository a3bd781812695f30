"""A project with an autolabel queue in every state, its promise and the audit of it."""

import hashlib
import random
from datetime import timedelta

from sqlalchemy.orm import Session

from backend.db.document_counts import recount_documents
from backend.db.tables import Document, Part, Project, TaskState, Version, VersionState, now
from backend.db.tables_of_autolabel import (
    Audit,
    Autolabel,
    AutolabelRun,
    AutolabelRunState,
    Promise,
    PromiseState,
)
from backend.workflow.autolabels.audited import look
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.promise import Outcome, certify
from backend.workflow.autolabels.promise_curve import curve
from backend.workflow.autolabels.store import store

NAMES, PLACES = ("김철수", "이영희", "박지훈", "최은지"), ("서울", "부산", "제주도", "강릉")
KEY = "queue"


def add_queue(session: Session, project: Project, count: int = 120) -> Promise:
    """Fill a project: of `count` documents the surest are accepted by rule, a tenth may judge."""
    rng = random.Random(3)
    version = Version(project_id=project.id, name="v7", state=VersionState.CHAMPION)
    session.add(version)
    session.flush()
    project.champion_id = version.id
    promise = _promise(session, project, version, rng)
    documents, proposals = [], []
    for number in range(count):
        name, place = rng.choice(NAMES), rng.choice(PLACES)
        text = f"{name} 씨는 {number}일에 {place}에 갔다 😀. 그는 다음 날 돌아왔다."
        document = Document(
            project_id=project.id,
            external_id=f"note-{number:04}",
            text=text,
            group_key=f"f{hashlib.sha256(text.encode()).hexdigest()[1:]}",  # beyond the random arm
            deduped=True,
        )
        documents.append(document)
        at = text.index(place)
        found = [(0, len(name), project.labels[0]), (at, at + len(place), project.labels[1])]
        proposals.append((found[: rng.choice((1, 2, 2))], 0.4 + 0.59 * number / count))
    session.add_all(documents)
    session.flush()
    recount_documents(session, project.id)
    for document in documents[5::10]:
        document.part = Part.GATE
    session.flush()
    said = [
        Proposal(
            document.id,
            [
                {"start": start, "end": end, "label": label, "probability": round(sure, 3)}
                for start, end, label in found
            ],
            sure,
        )
        for document, (found, sure) in zip(documents, proposals, strict=True)
    ]
    store(session, project, version, promise, said, "run 1", now())
    _audited(session, project, promise)
    session.add(
        AutolabelRun(
            project_id=project.id,
            version_id=version.id,
            promise_id=promise.id,
            state=AutolabelRunState.PAUSED,
            total=count * 3,
            done=count,
            asked_by="publication",
        )
    )
    session.flush()
    return promise


def _promise(session: Session, project: Project, version: Version, rng: random.Random) -> Promise:
    """Certified on documents that are right about as often as they are sure."""
    sure = [rng.betavariate(4, 1) for _ in range(600)]
    outcomes = [Outcome(one, rng.random() < (0.99 if one > 0.8 else one)) for one in sure]
    found = certify(outcomes, 0.95, 0.05)
    assert found.threshold is not None
    promise = Promise(
        project_id=project.id,
        version_id=version.id,
        p=0.95,
        delta=0.05,
        threshold=found.threshold,
        state=PromiseState.IN_FORCE,
        figures={**found.figures(), "curve": curve(outcomes, 0.05)},
        signed_by="curator@example.com",
        created_at=now() - timedelta(days=2),
    )
    session.add(promise)
    session.flush()
    return promise


def _audited(session: Session, project: Project, promise: Promise) -> None:
    """Some of what was accepted has been labelled blind, one of them otherwise."""
    accepted = session.query(Autolabel).filter_by(project_id=project.id, state="by_rule").all()
    for number, item in enumerate(accepted[:8]):
        item.audit, item.audited_at = (Audit.RIGHT if number else Audit.WRONG), now()
        item.audit_entities = item.entities
        item.changed_by = "people"
        item.state = "by_person" if number else "rejected"
    first = accepted[0]
    entity = first.entities[0]
    first.audit_entities = [{**entity, "end": entity["end"] + 2}, *first.entities[1:]]
    accepted[9].audit = Audit.OPEN
    session.get_one(Document, accepted[9].document_id).task_state = TaskState.OPEN
    session.flush()
    look(session, promise, now())
