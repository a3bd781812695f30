"""The state of one project, gathered for whoever shows it: the page, the command line, the demo."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.db.autolabels import told_promises
from backend.db.document_counts import DocumentCounts, count_documents
from backend.db.projects import (
    CorrectionCounts,
    InboxCounts,
    count_inbox,
    last_reconciliation,
    recent_corrections,
    settings_of,
)
from backend.db.runs import changed_by_people
from backend.db.tables import (
    ACTIVE_RUNS,
    FINISHED_RUNS,
    Project,
    Publication,
    Reconciliation,
    Run,
    RunState,
    Version,
    VersionState,
)
from backend.db.tables_of_autolabel import Promise
from backend.db.versions import ENDED
from backend.settings import ProjectSettings

LATEST = 8  # versions and runs that are shown


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """Everything the database knows of where a project stands."""

    project: Project
    settings: ProjectSettings
    documents: DocumentCounts
    changed: int  # documents whose gold a person changed since the last finished run's snapshot
    corrections: CorrectionCounts
    versions: Sequence[Version]  # newest first
    champion_run: Run | None  # the run that made the champion
    runs: Sequence[Run]  # newest first
    judged_run: Run | None  # the newest that the gate has judged
    publication: Publication | None  # the newest
    inbox: InboxCounts
    reconciliation: Reconciliation | None
    # the newest that a curator has signed, and those that were stopped since
    promises: Sequence[Promise] = ()

    @property
    def champion(self) -> Version | None:
        """The version that is served."""
        found = (one for one in self.versions if one.id == self.project.champion_id)
        return next(found, None)

    @property
    def active_run(self) -> Run | None:
        """The run that holds the project."""
        return next((run for run in self.runs if run.state in ACTIVE_RUNS), None)

    @property
    def waiting_run(self) -> Run | None:
        """The one that waits for a curator's decision."""
        judged = self.judged_run
        return judged if judged is not None and judged.state == RunState.WAITING else None

    @property
    def ended_badly(self) -> Run | None:
        """The newest run, when it failed or was cancelled."""
        newest = self.runs[0] if self.runs else None
        bad = (RunState.FAILED, RunState.CANCELLED)
        return newest if newest is not None and newest.state in bad else None

    @property
    def may_retry(self) -> bool:
        """Whether the newest run can be run again on its own frozen snapshot."""
        failed = self.ended_badly
        return failed is not None and bool(failed.snapshot_digest)

    @property
    def publishing(self) -> Publication | None:
        """The publication that is under way."""
        under_way = self.publication is not None and self.publication.state not in ENDED
        return self.publication if under_way else None

    def version_of(self, version_id: int | None) -> Version | None:
        """One of the versions shown, by id."""
        return next((one for one in self.versions if one.id == version_id), None)


def project_overview(session: Session, project: Project) -> ProjectOverview:
    """Gather the overview in a dozen short queries."""
    runs = _runs(session, project)
    judged = next((run for run in runs if run.state in FINISHED_RUNS), None)
    champions = (run for run in runs if run.version_id == project.champion_id)
    return ProjectOverview(
        project=project,
        settings=settings_of(project),
        documents=count_documents(session, [project.id])[project.id],
        changed=changed_by_people(session, project.id, judged.gold_revision if judged else 0),
        corrections=recent_corrections(session, project.id),
        versions=_versions(session, project),
        champion_run=next(champions, None) if project.champion_id is not None else None,
        runs=runs[:LATEST],
        judged_run=judged,
        publication=session.scalars(
            select(Publication)
            .where(Publication.project_id == project.id)
            .order_by(Publication.id.desc())
            .limit(1)
        ).one_or_none(),
        inbox=count_inbox(session, project.id),
        reconciliation=last_reconciliation(session, project.id),
        promises=told_promises(session, project.id),
    )


def _runs(session: Session, project: Project) -> Sequence[Run]:
    """The newest runs, and after them that of the champion and the judged one where older."""
    its = select(Run.id).where(Run.project_id == project.id).order_by(Run.id.desc())
    made_champion = its.where(Run.version_id == project.champion_id).limit(1)
    judged = its.where(Run.state.in_(FINISHED_RUNS)).limit(1)
    wanted = or_(
        Run.id.in_(its.limit(LATEST)),
        Run.id == made_champion.scalar_subquery(),
        Run.id == judged.scalar_subquery(),
    )
    return session.scalars(select(Run).where(wanted).order_by(Run.id.desc())).all()


def _versions(session: Session, project: Project) -> Sequence[Version]:
    """The newest versions, and after them the champion where it is older."""
    its = select(Version.id).where(Version.project_id == project.id).order_by(Version.id.desc())
    wanted = or_(Version.id.in_(its.limit(LATEST)), Version.id == project.champion_id)
    return session.scalars(select(Version).where(wanted).order_by(Version.id.desc())).all()


def may_roll_back_to(version: Version, project: Project) -> bool:
    """Whether a version of ours was served before, and is not now.

    An adopted version is a name that came with predictions: we have no model of it.
    """
    ours = not version.figures.get("adopted")
    return ours and version.state == VersionState.RETIRED and version.id != project.champion_id
