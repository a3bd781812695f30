"""What a curator should know of a project: each with the stage it belongs to and where to act."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext as _
from flask_babel import ngettext

from backend.admin.words.told import told
from backend.admin.words.wording import duration, number
from backend.clients.services import ServiceStates
from backend.db.overview import ProjectOverview
from backend.db.tables import PublicationState, now
from backend.db.tables_of_autolabel import PromiseState
from backend.workflow.label_studio.connection_check import silence
from backend.workflow.projects.path_figures import PathFigures


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that is not as it should be, or waits.

    `stage` is the stage of the data path it belongs to, none for the services below all of them;
    `section` is the page where to act, and `form` the form of this page that does it.
    """

    level: Literal["error", "warning", "note"]
    sentence: str
    stage: str = ""
    section: str = ""
    form: str = ""


def attention(
    overview: ProjectOverview, figures: PathFigures, services: ServiceStates
) -> list[Attention]:
    """Everything that should be known, in the order of the data path."""
    return [
        *_services(overview, services),
        *_dedupe(figures),
        *_correct(overview),
        *_retrain(overview, figures),
        *_gate(overview),
        *_publish(overview, services),
        *_autolabel(overview, figures),
    ]


def _services(overview: ProjectOverview, services: ServiceStates) -> Iterator[Attention]:
    if not services.redis:
        sentence = _(
            "Redis does not answer. Nothing is lost: annotations are kept and jobs begin "
            "when it is back."
        )
        yield Attention("error", sentence, section="jobs")
    if services.tagger_error:
        sentence = _("The ML backend does not answer: Label Studio gets no predictions.")
        yield Attention("error", sentence, section="jobs")
    if services.label_studio is False and overview.project.label_studio_id is not None:
        sentence = _(
            "Label Studio does not answer: nobody can annotate. What was submitted there is "
            "fetched when it is back."
        )
        yield Attention("error", sentence, section="settings")
    if services.idle_queues:
        named = ", ".join(services.idle_queues)
        sentence = _("No worker is alive to take jobs of: %(queues)s.", queues=named)
        yield Attention("error", sentence, section="jobs")


def _dedupe(figures: PathFigures) -> Iterator[Attention]:
    if figures.conflicts:
        sentence = ngettext(
            "%(count)s group is labelled differently",
            "%(count)s groups are labelled differently",
            figures.conflicts,
            count=number(figures.conflicts),
        )
        yield Attention("warning", sentence, "dedupe", "duplicates")


def _correct(overview: ProjectOverview) -> Iterator[Attention]:
    if overview.inbox.refused:
        sentence = ngettext(
            "%(count)s delivery from Label Studio could not be used; it is kept with its reason.",
            "%(count)s deliveries from Label Studio could not be used; each is kept with its "
            "reason.",
            overview.inbox.refused,
            count=number(overview.inbox.refused),
        )
        yield Attention("warning", sentence, "correct", "jobs")
    silent = silence(overview.project, overview.documents.open, now())
    if silent is None:
        return
    if overview.project.last_event_at is None:
        sentence = _(
            "Nothing that happens in Label Studio has ever been delivered here: test the "
            "connection."
        )
        yield Attention("warning", sentence, "correct", "settings")
    else:
        sentence = _(
            "Label Studio has been silent for %(time)s: reconcile if people annotate there.",
            time=duration(silent.total_seconds()),
        )
        yield Attention("warning", sentence, "correct", form="reconcile-form")


def _retrain(overview: ProjectOverview, figures: PathFigures) -> Iterator[Attention]:
    failed = overview.ended_badly
    if failed is not None:
        reason = told(failed.reason)
        sentences = {
            "failed": _("The last training run failed: %(reason)s", reason=reason),
            "cancelled": _("The last training run was cancelled: %(reason)s", reason=reason),
        }
        yield Attention("warning", sentences[failed.state], "retrain", "jobs")
    if figures.thin_labels:
        sentence = ngettext(
            "%(count)s label is under the minimum of %(minimum)s",
            "%(count)s labels are under the minimum of %(minimum)s",
            figures.thin_labels,
            count=number(figures.thin_labels),
            minimum=number(figures.minimum),
        )
        yield Attention("warning", sentence, "retrain", "labels")


def _gate(overview: ProjectOverview) -> Iterator[Attention]:
    waiting = overview.waiting_run
    if waiting is not None:
        version = overview.version_of(waiting.version_id)
        name = version.name if version else ""
        sentence = _("The challenger %(name)s waits for a decision", name=name)
        yield Attention("warning", sentence, "gate", "overview")


def _publish(overview: ProjectOverview, services: ServiceStates) -> Iterator[Attention]:
    load_error = services.load_error(overview.project.key)
    if load_error:
        sentence = _("The ML backend could not load the champion: %(reason)s", reason=load_error)
        yield Attention("error", sentence, "publish", "models")
    publication = overview.publication
    if publication is not None and publication.state == PublicationState.FAILED:
        sentence = _("The last publication failed: %(reason)s", reason=told(publication.reason))
        yield Attention("warning", sentence, "publish", "jobs")


def _autolabel(overview: ProjectOverview, figures: PathFigures) -> Iterator[Attention]:
    stopped = [one for one in overview.promises if one.state == PromiseState.STOPPED]
    if stopped:
        newest, reason = overview.promises[0], told(stopped[0].reason)
        if newest.state == PromiseState.IN_FORCE:
            sentence = _(
                "What an earlier rule had accepted is recalled: %(reason)s.", reason=reason
            )
        else:
            sentence = _(
                "Nothing is accepted by rule any more, and what the rule had accepted is "
                "recalled: %(reason)s.",
                reason=reason,
            )
        yield Attention("error", sentence, "autolabel", "autolabel")
    if figures.proposals:
        sentence = ngettext(
            "%(count)s proposal waits for a person",
            "%(count)s proposals wait for a person",
            figures.proposals,
            count=number(figures.proposals),
        )
        yield Attention("note", sentence, "autolabel", "autolabel")
