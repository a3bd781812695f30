"""What a curator does with items of the autolabel queue: accept, reject, send to people."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import autolabels, pool
from backend.db.accounts import account_by_email
from backend.db.autolabels import Waiting
from backend.db.bulk import is_one_of
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project, TaskState, Version
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.errors import ConflictError, NotFoundError
from backend.workflow.autolabels.items import as_gold, move
from backend.workflow.evidence.rejections import flag, made_again
from backend.workflow.select import assign_arms, random_border

OPEN = (AutolabelState.PENDING, AutolabelState.REJECTED, AutolabelState.RECALLED)


def accept(session: Session, project: Project, ids: Sequence[int], by: str, time: datetime) -> int:
    """Make the entities of items gold, but those flagged as rejected: a person vouches; how many.

    The project's row must be locked. Raises NotFoundError for a document without an item, and
    ConflictError for one that is not open, or that only blind labelling may make gold.
    """
    chosen = _chosen(session, project, ids, OPEN, "accepted")
    _refuse_gold(session, ids)
    _leave_to_chance(session, project, chosen)
    versions = {one.version_id: session.get_one(Version, one.version_id) for one, _ in chosen}
    account = account_by_email(session, by)
    assign_arms(session, project.id, [document for _, document in chosen], [])
    project.gold_revision += 1
    put_gold(
        session,
        project,
        [
            NewGold(
                document_id=document.id,
                entities=as_gold(item.entities, project, versions[item.version_id]),
                source=GoldSource.PERSON,
                revision=project.gold_revision,
                updated_at=time,
                account_id=account.id if account is not None else None,
                version_name=versions[item.version_id].name,
            )
            for item, document in chosen
        ],
    )
    for item, _ in chosen:
        move(session, item, AutolabelState.BY_PERSON, by, time)
    session.flush()
    return len(chosen)


def reject(session: Session, project: Project, ids: Sequence[int], by: str, time: datetime) -> int:
    """Say that items are wrong; gold that the rule or this queue made of them goes. How many.

    The project's row must be locked. Raises NotFoundError and ConflictError.
    """
    states = (
        AutolabelState.PENDING,
        AutolabelState.RECALLED,
        AutolabelState.BY_RULE,
        AutolabelState.BY_PERSON,
    )
    chosen = _chosen(session, project, ids, states, "rejected")
    gold = {document.id: session.get(Gold, document.id) for _, document in chosen}
    ours = [number for number, its in gold.items() if its is not None and its.version_name]
    theirs = [number for number, its in gold.items() if its is not None and not its.version_name]
    if theirs:
        raise ConflictError(f"document {theirs[0]} was labelled by a person: change it there")
    if ours:
        project.gold_revision += 1
        remove_gold(session, project.id, ours)
    for item, _ in chosen:
        move(session, item, AutolabelState.REJECTED, by, time)
    session.flush()
    return len(chosen)


def send(session: Session, project: Project, ids: Sequence[int], by: str, time: datetime) -> int:
    """Give documents a place in the queue of Label Studio, with their sure entities; how many.

    The project's row must be locked. Raises NotFoundError and ConflictError.
    """
    chosen = _chosen(session, project, ids, OPEN, "sent")
    _refuse_gold(session, ids)
    _leave_to_chance(session, project, chosen)
    assign_arms(session, project.id, [document for _, document in chosen], [])
    for item, document in chosen:
        project.last_queue_number += 1
        document.queue_number = project.last_queue_number
        move(session, item, AutolabelState.SENT, by, time)
    session.flush()
    return len(chosen)


def sent(session: Session, ids: Sequence[int], by: str, time: datetime) -> None:
    """Note that documents were selected for people: their open items are sent."""
    for item in autolabels.items(session, ids).values():
        if item.state in OPEN:
            move(session, item, AutolabelState.SENT, by, time)


def surest(session: Session, project: Project, count: int) -> list[int]:
    """The most confident pending documents that a curator may decide about."""
    found: list[int] = []
    pending = autolabels.surest_pending(session, project.id, 10 * count)
    for ids in pool.chunks(pending):
        found += free(session, project, ids)
    return found[:count]


def free(session: Session, project: Project, ids: Sequence[int]) -> list[int]:
    """Those of some documents, in their order, that wait in the pool and that anybody may choose:
    neither with people nor of the random arm."""
    border = random_border(settings_of(project).random_share)
    waiting = autolabels.waiting(session, project.id, ids)
    judging = autolabels.judging(session, project.id, list(waiting.values()), border)
    return [one for one in ids if one in waiting and one not in judging]


def flag_again(session: Session, project: Project, ids: Sequence[int], time: datetime) -> set[int]:
    """Flag anew what people have rejected in open items; the documents of which that has changed.

    Their items count as changed: whoever has seen them before has seen something else.
    """
    items = [item for item in autolabels.items(session, ids).values() if item.state in OPEN]
    changed = set()
    for version_id in {item.version_id for item in items}:
        its = [item for item in items if item.version_id == version_id]
        said = {item.document_id: item.entities for item in its}
        again = made_again(session, project, session.get_one(Version, version_id), said)
        for item in its:
            flagged = flag(item.entities, again.get(item.document_id, ()))
            if flagged != item.entities:
                item.entities, item.changed_at = flagged, time
                changed.add(item.document_id)
    session.flush()
    return changed


def refuse_changed(session: Session, seen: Mapping[int, datetime]) -> None:
    """Refuse to go on when an item is not as it was seen: `seen` is when each had last changed.

    Raises ConflictError, which names the first of them.
    """
    items = autolabels.items(session, list(seen))
    for number, changed_at in seen.items():
        item = items.get(number)
        if item is not None and item.changed_at != changed_at:
            raise ConflictError(
                f"document {number} has changed meanwhile: it is {item.state}, by {item.changed_by}"
            )


def _chosen(
    session: Session,
    project: Project,
    ids: Sequence[int],
    states: Sequence[AutolabelState],
    done: str,
) -> list[tuple[Autolabel, Document]]:
    items, documents = autolabels.items(session, ids), pool.documents(session, ids)
    for number in ids:
        item, document = items.get(number), documents.get(number)
        if item is None or document is None or item.project_id != project.id:
            raise NotFoundError("item in the autolabel queue for document", number)
        if item.state not in states:
            raise ConflictError(f"document {number} cannot be {done}: it is {item.state}")
        if item.state in OPEN and (
            document.queue_number is not None or document.task_state == TaskState.OPEN
        ):
            raise ConflictError(f"document {number} is with people already")
    return [(items[number], documents[number]) for number in dict.fromkeys(ids)]


def _refuse_gold(session: Session, ids: Sequence[int]) -> None:
    """Refuse documents that have gold: what people gave is changed where they gave it."""
    with_gold = session.scalars(
        select(Gold.document_id).where(is_one_of(session, Gold.document_id, ids)).limit(1)
    ).first()
    if with_gold is not None:
        raise ConflictError(f"document {with_gold} was labelled by a person: change it there")


def _leave_to_chance(
    session: Session, project: Project, chosen: Sequence[tuple[Autolabel, Document]]
) -> None:
    """Refuse documents of the random arm: what is chosen there must be chosen by chance."""
    border = random_border(settings_of(project).random_share)
    waiting = [Waiting(one.id, one.group_key, one.near_id) for _, one in chosen]
    judging = autolabels.judging(session, project.id, waiting, border)
    if judging:
        raise ConflictError(
            f"document {min(judging)} may be drawn to judge models: only chance may choose it"
        )
