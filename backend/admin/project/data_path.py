"""The data path as its page draws it: ten stages, their counts, what needs somebody."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from backend.admin.project.attention import Attention
from backend.admin.words.wording import number, percent, score
from backend.admin.words.words import word
from backend.db.overview import ProjectOverview
from backend.workflow.projects.path_figures import PathFigures
from backend.workflow.versions.figures import VersionFigures


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or a name, and what it is of."""

    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; `section` is the page that shows more of it, `running` that a job works on it."""

    name: str
    title: str
    section: str
    figures: Sequence[Figure]
    attention: Sequence[Attention] = ()
    running: bool = False

    @property
    def level(self) -> str:
        """The worst of what needs somebody; empty when nothing does."""
        levels = {one.level for one in self.attention}
        return next((level for level in ("error", "warning", "note") if level in levels), "")


def data_path(
    overview: ProjectOverview,
    figures: PathFigures,
    scores: VersionFigures | None,
    attention: Sequence[Attention],
) -> list[Stage]:
    """The ten stages in their order."""
    documents, run = overview.documents, overview.active_run
    queued_or_training = run is not None and run.state in ("queued", "training")
    stages = (
        ("import", _("Import"), "overview", _imported(overview), False),
        ("dedupe", _("Deduplicate"), "duplicates", _deduped(overview), documents.unsorted > 0),
        (
            "select",
            _("Select"),
            "settings",
            [Figure(number(documents.pool), _("in the pool"))],
            False,
        ),
        ("preannotate", _("Pre-label"), "models", _prelabelled(overview), False),
        ("correct", _("Correct"), "annotators", _corrected(overview), overview.inbox.waiting > 0),
        ("retrain", _("Retrain"), "labels", _retrained(overview), queued_or_training),
        (
            "gate",
            _("Gate"),
            "models",
            _judged(overview),
            run is not None and run.state == "judging",
        ),
        (
            "publish",
            _("Publish"),
            "models",
            _published(overview, scores),
            bool(overview.publishing),
        ),
        ("autolabel", _("Autolabel"), "autolabel", _autolabelled(overview, figures), False),
        ("release", _("Release"), "releases", _released(overview, figures), False),
    )
    return [
        Stage(name, title, section, its, [one for one in attention if one.stage == name], running)
        for name, title, section, its, running in stages
    ]


def _imported(overview: ProjectOverview) -> list[Figure]:
    return [Figure(number(overview.documents.total), _("documents"))]


def _deduped(overview: ProjectOverview) -> list[Figure]:
    documents = overview.documents
    found = [Figure(number(documents.copies), _("copies set aside"))]
    if documents.unsorted:
        found.append(Figure(number(documents.unsorted), _("still to look at")))
    return found


def _prelabelled(overview: ProjectOverview) -> list[Figure]:
    found = [Figure(number(overview.documents.open), _("open in Label Studio"))]
    if overview.champion is not None:
        found.append(Figure(overview.champion.name, _("pre-labels them")))
    return found


def _corrected(overview: ProjectOverview) -> list[Figure]:
    found = [Figure(number(overview.documents.person), _("gold by people"))]
    if overview.corrections.documents:
        share = percent(overview.corrections.accepted_share)
        found.append(Figure(share, _("accepted unchanged")))
    return found


def _retrained(overview: ProjectOverview) -> list[Figure]:
    threshold = number(overview.settings.retrain_threshold)
    meaning = _("of %(threshold)s changed documents", threshold=threshold)
    return [Figure(number(overview.changed), meaning)]


def _judged(overview: ProjectOverview) -> list[Figure]:
    judged = overview.judged_run
    if judged is None:
        return [Figure("–", _("nothing judged yet"))]
    version = overview.version_of(judged.version_id)
    return [Figure(version.name if version else "–", word(judged.state))]


def _published(overview: ProjectOverview, scores: VersionFigures | None) -> list[Figure]:
    if overview.champion is None:
        return [Figure("–", _("no champion yet"))]
    found = [Figure(overview.champion.name, _("is the champion"))]
    if scores is not None:
        found.append(Figure(score(scores.micro_f1), _("strict F1")))
    return found


def _autolabelled(overview: ProjectOverview, figures: PathFigures) -> list[Figure]:
    found = [Figure(number(overview.documents.rule), _("gold by rule"))]
    if figures.proposals:
        found.append(Figure(number(figures.proposals), _("wait for a person")))
    return found


def _released(overview: ProjectOverview, figures: PathFigures) -> list[Figure]:
    found = [Figure(number(overview.documents.gold), _("documents of gold"))]
    if figures.release:
        named = _("release %(number)s", number=figures.release)
        found.insert(0, Figure(named, _("is the newest")))
    return found
