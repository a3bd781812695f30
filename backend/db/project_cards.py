"""How far each project has come and what waits in it: a few queries for all of them together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend.db.document_counts import DocumentCounts, count_documents
from backend.db.tables import (
    BY_PEOPLE,
    FINISHED_RUNS,
    Gold,
    InboxEvent,
    InboxState,
    Project,
    Run,
    RunState,
    Version,
)
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_surveys import Finding, Found, Survey

SHOWN = 12  # versions of a sparkline

_CONFLICTS = (Found.EXACT_CONFLICT, Found.NEAR_CONFLICT)


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One project at a glance."""

    project: Project
    documents: DocumentCounts
    f1: Sequence[tuple[str, float]]  # micro F1 of the last versions by name, the oldest first
    champion: str | None
    changed: int  # documents whose gold people changed since the last finished run
    undecided: bool  # a challenger waits for a curator
    conflicts: int
    proposals: int  # of the autolabel queue, for a person
    refused: int  # deliveries that could not be used

    @property
    def champion_f1(self) -> float | None:
        """The champion's own score, where it is known."""
        return dict(self.f1).get(self.champion or "")


def project_cards(session: Session, projects: Sequence[Project]) -> list[ProjectCard]:
    """A card for each of some projects, in as many queries for one project as for a hundred."""
    ids = [project.id for project in projects]
    documents = count_documents(session, ids)
    f1, champions = _scores(session)
    changed, undecided = _since_the_last_run(session)
    conflicts, proposals, refused = _conflicts(session), _proposals(session, ids), _refused(session)
    return [
        ProjectCard(
            project,
            documents[project.id],
            f1[project.id][-SHOWN:],
            champions.get(project.champion_id or 0),
            changed.get(project.id, 0),
            project.id in undecided,
            conflicts.get(project.id, 0),
            proposals.get(project.id, 0),
            refused.get(project.id, 0),
        )
        for project in projects
    ]


def _scores(session: Session) -> tuple[dict[int, list[tuple[str, float]]], dict[int, str]]:
    """Micro F1 of versions by project, on gate gold or else on dev gold; names by version."""
    on_gate = Run.gate[("challenger", "micro", "f1")].as_float()
    on_dev = Version.figures[("training", "dev", "micro", "f1")].as_float()
    rank = func.row_number().over(partition_by=Version.project_id, order_by=Version.id.desc())
    newest = select(Version.id, rank.label("rank")).subquery()
    rows = session.execute(
        select(Version.project_id, Version.id, Version.name, func.coalesce(on_gate, on_dev))
        .join(newest, newest.c.id == Version.id)
        .outerjoin(Run, Run.version_id == Version.id)
        .outerjoin(Project, Project.champion_id == Version.id)
        .where((newest.c.rank <= SHOWN) | Project.id.is_not(None))
        .order_by(Version.id, Run.id)
    )
    f1: dict[int, dict[str, float]] = defaultdict(dict)
    names: dict[int, str] = {}
    for project_id, version_id, name, score in rows:
        names[version_id] = name
        if score is not None:
            f1[project_id][name] = score
    listed = defaultdict[int, list[tuple[str, float]]](list)
    listed.update({project_id: list(scores.items()) for project_id, scores in f1.items()})
    return listed, names


def _since_the_last_run(session: Session) -> tuple[dict[int, int], set[int]]:
    """Documents that people changed since each project's last judged run; who waits for a word."""
    last = select(func.max(Run.id)).where(Run.state.in_(FINISHED_RUNS)).group_by(Run.project_id)
    judged = session.execute(
        select(Run.project_id, Run.gold_revision, Run.state).where(Run.id.in_(last))
    ).all()
    runs = select(Run.project_id, Run.gold_revision).where(Run.id.in_(last)).subquery()
    rows = session.execute(
        select(Gold.project_id, func.count())
        .outerjoin(runs, runs.c.project_id == Gold.project_id)
        .where(text(BY_PEOPLE), Gold.revision > func.coalesce(runs.c.gold_revision, 0))
        .group_by(Gold.project_id)
    )
    waiting = {row.project_id for row in judged if row.state == RunState.WAITING}
    return {project_id: number for project_id, number in rows}, waiting


def _conflicts(session: Session) -> dict[int, int]:
    settled = select(Finding.project_id, func.count()).where(
        Finding.kind.in_(_CONFLICTS), Finding.settled.is_(True)
    )
    found = {
        project_id: sum(figures["found"].get(kind, 0) for kind in _CONFLICTS)
        for project_id, figures in session.execute(select(Survey.project_id, Survey.figures))
    }
    for project_id, number in session.execute(settled.group_by(Finding.project_id)):
        found[project_id] = found.get(project_id, 0) - number
    return found


def _proposals(session: Session, project_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(Autolabel.project_id, func.count())
        .where(Autolabel.project_id.in_(project_ids), Autolabel.state == AutolabelState.PENDING)
        .group_by(Autolabel.project_id)
    )
    return {project_id: number for project_id, number in rows}


def _refused(session: Session) -> dict[int, int]:
    rows = session.execute(
        select(InboxEvent.project_id, func.count())
        .where(InboxEvent.state == InboxState.REFUSED)
        .group_by(InboxEvent.project_id)
    )
    return {project_id: number for project_id, number in rows if project_id is not None}
