"""What chance draws to measure people: documents for several, and the blind slice.

Chance is the hash of a text, so the draw is the same for copies and again after a failure, and does
not know how hard a document is. A shared document goes to several people and has gold once all of
them have spoken. A blind one is shown with an empty prediction. Blind documents are taken from the
shared ones first, up to a half of these: only where several have spoken is there a truth that is
not the annotator's own, and the other half tells what they make of pre-labels.
"""

import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence

from sqlalchemy.orm import Session

from backend.db.projects import settings_of
from backend.db.sharing import drawn
from backend.db.tables import AnnotationState, Document, Project
from backend.db.tables_of_sharing import Sharing
from backend.settings import ProjectSettings

MOST_BLIND = 0.5  # of shared documents


def draw(
    session: Session,
    project: Project,
    documents: Sequence[Document],
    opened: Collection[int] = (),
) -> None:
    """Decide for documents that get a place in the queue how many are asked, and who sees what.

    One that was drawn before stays as it is. `opened` are those that somebody may have seen with
    pre-labels: they go to one person, with them, whatever chance says.
    """
    settings = settings_of(project)
    known = set(drawn(session, [document.id for document in documents]))
    for document in documents:
        shared, blind = chosen(settings, document.group_key)
        if not (shared or blind) or document.id in known:
            continue
        row = Sharing(document_id=document.id, project_id=project.id)
        if document.id not in opened:
            row.annotators, row.blind = settings.annotators_each if shared else 1, blind
        session.add(row)
    session.flush()


def chosen(settings: ProjectSettings, group_key: str) -> tuple[bool, bool]:
    """Whether chance has a text annotated by several, and whether without pre-labels."""
    among_shared, elsewhere = blind_chances(settings.shared_share, settings.blind_share)
    shared = _chance("shared", group_key) < settings.shared_share
    return shared, _chance("blind", group_key) < (among_shared if shared else elsewhere)


def blind_chances(shared: float, blind: float) -> tuple[float, float]:
    """The chance of a shared document to be blind, and of another one: `blind` of all together.

    `shared` lies in [0, 1], `blind` in [0, 1/2].
    """
    if blind <= shared * MOST_BLIND:
        return (blind / shared if shared else 0.0), 0.0
    return MOST_BLIND, (blind - shared * MOST_BLIND) / (1 - shared)


def speakers(states: Iterable[AnnotationState]) -> set[Hashable]:
    """The people behind annotations; one whose author is not known stands for somebody."""
    return {
        state.account_id if state.account_id is not None else ("unknown", state.annotation_id)
        for state in states
    }


def _chance(of: str, group_key: str) -> float:
    """A number in [0, 1) that a text has for ever, for one purpose."""
    digest = hashlib.sha256(f"{of}:{group_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
