"""When an annotation is gold: the rule of DESIGN.md section 3, for one document.

- One submitted annotation that was not skipped makes gold, unchanged or not: a person vouched.
- Several make gold when their entities agree; when they do not, gold is withdrawn and the
  document waits for adjudication.
- A document that several are asked about (sharing.py) has no gold by people before so many have
  submitted or skipped it, and its task stays open. A decision about it stands until as many have
  spoken after it.
- None left (deleted, or turned into a skip): a person's gold is withdrawn. Imported gold that it
  had replaced comes back; imported gold that nobody touched stays.
- A curator's decision stands above what was annotated before it. A later annotation by a person
  replaces it; when that is gone, the decision is back.
- Submitting the same entities again is not a change: nothing is retrained for it. Submitting the
  entities of imported gold is one, since a person vouches for them now; so is submitting those of
  gold from before a label was added, since somebody has looked for that label now.

Every change takes the project's next revision, so that "changed since" is exact.
"""

from sqlalchemy.orm import Session

from backend.db.adjudications import standing
from backend.db.annotations import current_states
from backend.db.document_counts import documents_counted
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.sharing import annotators_wanted
from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Project,
    TaskState,
    now,
)
from backend.workflow.annotators.sharing import speakers
from backend.workflow.autolabels.audited import judge
from backend.workflow.duplicates.decision_gold import is_upheld, uphold


def settle(session: Session, project: Project, document: Document) -> bool:
    """Make gold and task state what the current annotations say; whether gold changed.

    An item of the autolabel queue follows. `project` must be held (`locked_project`).
    """
    changed = _settle(session, project, document)
    if changed:
        judge(session, project, document)
    return changed


def _settle(session: Session, project: Project, document: Document) -> bool:
    states = current_states(session, document.id)
    live = [state for state in states if state.status != AnnotationStatus.DELETED]
    wanted = annotators_wanted(session, document.id)
    if document.task_state != TaskState.DELETED and document.task_id is not None:
        all_spoke = len(speakers(live)) >= wanted
        with documents_counted(session, project.id, Document.id == document.id):
            document.task_state = TaskState.DONE if all_spoke else TaskState.OPEN
    decision = standing(session, project.id, document.group_key)
    if decision is not None:
        live = [state for state in live if state.updated_at > decision.created_at]
    if len(speakers(live)) < wanted:
        live = []
    submitted = [state for state in live if state.status == AnnotationStatus.SUBMITTED]
    if decision is not None:
        if not submitted and is_upheld(session, document, decision):
            return False
        if not submitted and uphold(session, project, document, decision):
            return True
    if not submitted:
        return _withdraw(session, project, document)
    if len({_keys(state) for state in submitted}) > 1:
        return _contest(session, project, document)
    return _vouch(session, project, document, submitted[-1])


def _vouch(session: Session, project: Project, document: Document, state: AnnotationState) -> bool:
    gold = session.get(Gold, document.id)
    changed = (
        gold is None
        or gold.source != GoldSource.PERSON
        or {_key(entity) for entity in gold.entities} != set(_keys(state))
        or (gold.annotation_state_id != state.id and _is_silent(gold, project))
    )
    if gold is not None and gold.source == GoldSource.IMPORTED:
        document.imported_gold = gold.entities
    vouched = NewGold(
        document_id=document.id,
        entities=state.entities,
        source=GoldSource.PERSON,
        revision=_next_revision(project) if changed or gold is None else gold.revision,
        updated_at=state.updated_at,
        account_id=state.account_id,
        annotation_state_id=state.id,
    )
    put_gold(session, project, [vouched])
    return changed


def _is_silent(gold: Gold, project: Project) -> bool:
    """Whether a label was added after the gold was made, of which it says nothing."""
    return any(gold.revision <= since for since in project.label_since.values())


def _withdraw(session: Session, project: Project, document: Document) -> bool:
    if document.imported_gold is not None:
        given_back = NewGold(
            document_id=document.id,
            entities=document.imported_gold,
            source=GoldSource.IMPORTED,
            revision=_next_revision(project),
            updated_at=now(),
        )
        document.imported_gold = None
        if project.label_since:  # it may be from before these labels, and has a new revision
            silent = {*(document.not_annotated or ()), *project.label_since}
            document.not_annotated = sorted(silent)
        put_gold(session, project, [given_back])
        return True
    gold = session.get(Gold, document.id)
    if gold is None or gold.source not in (GoldSource.PERSON, GoldSource.DECISION):
        return False
    return _remove(session, project, document)


def _contest(session: Session, project: Project, document: Document) -> bool:
    gold = session.get(Gold, document.id)
    if gold is None:
        return False
    if gold.source == GoldSource.IMPORTED:
        document.imported_gold = gold.entities
    return _remove(session, project, document)


def _remove(session: Session, project: Project, document: Document) -> bool:
    _next_revision(project)
    remove_gold(session, project.id, [document.id])
    return True


def _next_revision(project: Project) -> int:
    project.gold_revision += 1
    return project.gold_revision


def _keys(state: AnnotationState) -> frozenset[tuple[int, int, str]]:
    return frozenset(_key(entity) for entity in state.entities)


def _key(entity: dict[str, object]) -> tuple[int, int, str]:
    start, end = entity["start"], entity["end"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    return start, end, str(entity["label"])
