"""Keep every state that an annotation was seen in, and let gold follow.

The same news may come twice, late, or out of order, by webhook and by reconciliation alike:
- A state that is known (number, `updated_at`, status) is not kept again.
- A state older than what is known is kept, for who did what and when, but does not count.
- A deletion is final. Only Label Studio's own answer that the annotation is there (`alive`)
  undoes it, and then the deletion that proved untrue is taken back.
"""

import secrets
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.db import autolabels
from backend.db.accounts import account_by_email
from backend.db.annotations import (
    account_by_user,
    deleted_before_seen,
    history,
    is_deleted,
    own_prediction,
)
from backend.db.label_counts import corrections_counted
from backend.db.members import note_member
from backend.db.sharing import blind_slice
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Project,
    Role,
    Version,
)
from backend.db.versions import locked_project
from backend.workflow.correct import Changes, changes, clean, compare, corrected
from backend.workflow.evidence import rejections
from backend.workflow.gold.origins import SeenAnnotation
from backend.workflow.gold.settle import settle
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import TextControl, parse_label_config


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of one piece of news: whether it was news, and whether gold changed."""

    news: bool = False
    gold_changed: bool = False


def record_state(
    session: Session, document: Document, seen: SeenAnnotation, *, alive: bool = False
) -> Recorded:
    """Keep a submitted or skipped annotation of a document; gold follows.

    `alive` says that Label Studio itself was asked just now, rather than a delivery read.
    """
    project = locked_project(session, document.project_id)
    with corrections_counted(session, project.id, document.id):
        return _record_state(session, project, document, seen, alive=alive)


def _record_state(
    session: Session, project: Project, document: Document, seen: SeenAnnotation, *, alive: bool
) -> Recorded:
    everywhere = history(session, project.id, seen.number)
    states = [one for one in everywhere if one.document_id == document.id]
    if is_deleted(states):
        if not alive:
            return Recorded()
        for state in [one for one in states if one.status == AnnotationStatus.DELETED]:
            states.remove(state)
            session.delete(state)
        session.flush()
    elif not states and not alive and seen.number in deleted_before_seen(session, project.id):
        return Recorded()
    if any((one.updated_at, one.status) == (seen.updated_at, seen.status) for one in everywhere):
        # nothing new of the annotation; but a deletion may have been taken back
        return Recorded(False, settle(session, project, document) if alive else False)
    control = parse_label_config(project.label_config)
    before = next((one.version_name for one in reversed(states) if one.version_name), None)
    seen = _as_begun(session, document, seen, before)
    state, changed = _new_state(session, document, seen, control)
    session.add(state)
    session.flush()
    if changed is not None:
        rejections.keep(session, state, document.text, changed)
    if state.account_id is not None:
        note_member(session, project.id, state.account_id)
    return Recorded(True, settle(session, project, document))


def record_deletion(
    session: Session, project_id: int, annotation_number: int, *, document_id: int | None = None
) -> Recorded:
    """Keep that an annotation was deleted; gold follows. One nobody knows of is no news.

    A number may have been used for annotations of several documents (Label Studio gives imported
    annotations numbers of deleted ones): without `document_id` the latest is meant.
    """
    project = locked_project(session, project_id)
    states = history(session, project_id, annotation_number)
    if document_id is None and states:
        document_id = states[-1].document_id
    states = [one for one in states if one.document_id == document_id]
    if not states or is_deleted(states):
        return Recorded()
    last = states[-1]
    state = AnnotationState(
        project_id=project_id,
        document_id=last.document_id,
        annotation_id=annotation_number,
        updated_at=last.updated_at,
        status=AnnotationStatus.DELETED,
        account_id=last.account_id,
        entities=[],
        regions=[],
        cleaned={},
        correction={},
    )
    with corrections_counted(session, project_id, last.document_id):
        session.add(state)
        session.flush()
        document = session.get_one(Document, last.document_id)
        return Recorded(True, settle(session, project, document))


def _new_state(
    session: Session, document: Document, seen: SeenAnnotation, control: TextControl
) -> tuple[AnnotationState, Changes | None]:
    """What was seen of an annotation, and what it changed of what was predicted, if anything."""
    account = _account(session, seen)
    state = AnnotationState(
        project_id=document.project_id,
        document_id=document.id,
        annotation_id=seen.number,
        updated_at=seen.updated_at,
        status=seen.status,
        account_id=account.id if account else None,
        lead_time=seen.lead_time,
        regions=seen.regions,
        version_name=seen.version_name,
        entities=[],
        cleaned={},
        correction={},
    )
    if seen.status == AnnotationStatus.SUBMITTED:
        entities, state.cleaned = clean(seen.regions, document.text, control)
        state.entities = [entity.to_dict() for entity in entities]
        predicted = _predicted(session, document, seen, control)
        if predicted is not None:
            state.correction = compare(predicted, entities).to_dict()
            state.corrected = [entity.to_dict() for entity in corrected(predicted, entities)]
            return state, changes(predicted, entities)
    return state, None


def _as_begun(
    session: Session, document: Document, seen: SeenAnnotation, before: str | None
) -> SeenAnnotation:
    """What was seen of an annotation, with the prediction that it really began from.

    `before` is the version that an earlier state of it named: Label Studio forgets it when the
    version's predictions are cleaned up there. Our own copy stays.
    """
    if seen.version_name is None and before is not None:
        known = own_prediction(session, document.id, before) is not None
        return replace(seen, version_name=before) if known else seen
    if not seen.predicted_regions and blind_slice(session, [document.id]):  # from an empty page
        return replace(seen, version_name=None, predicted_regions=None)
    return seen


def _predicted(
    session: Session, document: Document, seen: SeenAnnotation, control: TextControl
) -> list[Entity] | None:
    """What the annotator was shown: our own copy of the prediction, or else Label Studio's."""
    own = own_copy(session, document, seen.version_name, control)
    if not own and seen.predicted_regions is not None:  # also what should have been blind
        return clean(seen.predicted_regions, document.text, control)[0]
    return own


def own_copy(
    session: Session, document: Document, version_name: str | None, control: TextControl
) -> list[Entity] | None:
    """What people were shown of a version's prediction, None where we have no copy of it."""
    own = own_prediction(session, document.id, version_name) if version_name else None
    if own is None:
        return None
    shown = autolabels.shown(session, {document.id: own})[document.id]
    read = [Entity.from_dict(record, length=len(document.text)) for record in shown.entities]
    names = labels_of(session.get_one(Version, own.version_id)).in_gold(control.labels.labels)
    named = [replace(one, label=names.get(one.label, one.label)) for one in read]
    return [entity for entity in named if entity.label in control.labels]


def _account(session: Session, seen: SeenAnnotation) -> Account | None:
    """The annotator's account, matched by address and made without a password when unknown."""
    if seen.email is None:
        return account_by_user(session, seen.user) if seen.user is not None else None
    account = account_by_email(session, seen.email)
    if account is None:
        account = Account(
            email=seen.email, role=Role.ANNOTATOR, session_token=secrets.token_urlsafe(32)
        )
        try:
            with session.begin_nested():
                session.add(account)
        except IntegrityError:  # another transaction made it just now
            account = account_by_email(session, seen.email)
            assert account is not None
    if seen.user is not None and account.label_studio_user_id != seen.user:
        account.label_studio_user_id = seen.user
        session.flush()
    return account
