"""What people say of documents that the rule accepted, and what is taken back when it was wrong.

A random part of what was accepted is labelled blind. Whatever people say of any document with an
item, asked or not, closes the item; only blind answers count in the audit, since others were
chosen by somebody who had seen something.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import autolabels, pool
from backend.db.bulk import is_one_of
from backend.db.gold import remove_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project, Version, now
from backend.db.tables_of_autolabel import Audit, Autolabel, AutolabelState, Promise, PromiseState
from backend.workflow.autolabels.audit import AuditState, audit
from backend.workflow.autolabels.certify import exactly_right, known_labels
from backend.workflow.autolabels.items import move
from backend.workflow.labels.label_rules import rules_of

PEOPLES = (GoldSource.PERSON, GoldSource.DECISION)
OPEN_SHARE = 0.1  # of the open tasks may be audits; the others of the sample wait for room
BY_PEOPLE = "people"


def judge(session: Session, project: Project, document: Document) -> None:
    """Let a document's item follow the gold that people have just given it, or taken away.

    Gold equal to what the version said accepts the item, other gold rejects it; without people's
    gold it waits for them again. The project's row must be locked.
    """
    item = session.get(Autolabel, document.id)
    if item is None:
        return
    time = now()
    gold = session.get(Gold, document.id)
    if gold is None or gold.source not in PEOPLES:
        if item.state in (AutolabelState.BY_PERSON, AutolabelState.REJECTED) and (
            document.task_id is not None
        ):
            move(session, item, AutolabelState.SENT, BY_PEOPLE, time, "their gold was withdrawn")
        if item.audit is not None:
            item.audit, item.audited_at, item.audit_entities = Audit.OPEN, None, None
        return
    rules = rules_of(session, project)
    known = known_labels(rules, session.get_one(Version, item.version_id))
    right = exactly_right(item.entities, gold.entities, rules, known)
    state = AutolabelState.BY_PERSON if right else AutolabelState.REJECTED
    if item.state != state:
        move(session, item, state, BY_PEOPLE, time, "labelled blind" if item.audit else "")
    if item.audit is not None:
        item.audit = Audit.RIGHT if right else Audit.WRONG
        item.audited_at = item.audited_at or time  # a later edit keeps its place in the sequence
        item.audit_entities = gold.entities


def look(session: Session, promise: Promise, time: datetime) -> AuditState:
    """Compare a promise with what its audit has found; it ends when that contradicts it.

    With it ends every other promise of the same version that promised more than the audit has
    shown to be possible: they rest on the same confidence. The project's row must be locked.
    """
    found = audit(autolabels.audit_outcomes(session, promise.project_id, promise.id), promise.delta)
    kept = {"right": found.right, "wrong": found.wrong, "upper": found.upper}
    promise.figures = {**promise.figures, "audit": kept}
    if found.contradicts(promise.p):
        for one in autolabels.watched_promises(session, promise.project_id):
            if one.version_id == promise.version_id and found.contradicts(one.p):
                _stop(one, found, time)
    return found


def seen_counts(promise: Promise) -> tuple[int, int]:
    """How many right and wrong ones the last look saw."""
    kept = promise.figures.get("audit", {})
    return int(kept.get("right", 0)), int(kept.get("wrong", 0))


def recall(session: Session, project: Project, promise: Promise, limit: int = 500) -> int:
    """Take back up to `limit` documents that a stopped promise had accepted; how many.

    The project's row must be locked. Gold that people have given meanwhile is theirs.
    """
    time = now()
    items = autolabels.accepted_by(session, project.id, promise.id, limit)
    ids = [item.document_id for item in items]
    gold = is_one_of(session, Gold.document_id, ids)
    by_rule = session.scalars(
        select(Gold.document_id).where(gold, Gold.source == GoldSource.RULE)
    ).all()
    for item in items:
        move(session, item, AutolabelState.RECALLED, f"promise {promise.id}", time, promise.reason)
    if by_rule:
        project.gold_revision += 1
        remove_gold(session, project.id, by_rule)
    done = int(promise.figures.get("recalled", 0)) + len(items)
    promise.figures = {**promise.figures, "recalled": done, "recalled_all": len(items) < limit}
    session.flush()
    return len(items)


def wants_places(session: Session, project: Project) -> int:
    """How many documents of the audit wait for a place in the queue and have room there."""
    most = max(1, round(settings_of(project).open_tasks * OPEN_SHARE))
    room = most - autolabels.open_audits(session, project.id)
    if room < max(1, most // 20):  # as the working set, they are topped up by the handful
        return 0
    return len(autolabels.audits_without_task(session, project.id, room))


def give_places(session: Session, project: Project) -> int:
    """Give documents of the audit places in the queue, spread over it; how many.

    No more than OPEN_SHARE of the working set at a time; the others follow as people answer. The
    project's row must be locked. Who imports the tasks finds the places as reserved.
    """
    documents = autolabels.audits_without_task(session, project.id, wants_places(session, project))
    if not documents:
        return 0
    numbers = [one.queue_number or 0 for one in pool.open_documents(session, project.id)]
    first = min(filter(None, numbers), default=project.last_queue_number + 1)
    last = max([first, *numbers])
    for place, document in enumerate(documents, start=1):
        document.queue_number = first + (last - first) * place // (len(documents) + 1)
    project.last_queue_number = max(project.last_queue_number, last)
    session.flush()
    return len(documents)


def _stop(promise: Promise, found: AuditState, time: datetime) -> None:
    promise.state, promise.ended_at = PromiseState.STOPPED, time
    promise.reason = (
        f"of {found.right + found.wrong} documents that people labelled blind, {found.right} "
        f"were exactly right: at most {found.upper:.1%} of what was accepted can be, "
        f"and {promise.p:.0%} was promised"
    )
