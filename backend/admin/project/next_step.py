"""What to do next with a project, as one sentence."""

from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext as _
from flask_babel import ngettext

from backend.admin.words.told import told
from backend.admin.words.wording import number
from backend.db.overview import ProjectOverview


@dataclass(frozen=True, slots=True)
class NextStep:
    """A headline, the sentence below it, a command to type or the action that does it."""

    headline: str
    sentence: str
    action: Literal["", "retrain", "label", "decide", "export", "own"] = ""
    command: str = ""


def next_step(overview: ProjectOverview) -> NextStep:
    """The one thing that moves the data path on."""
    key, documents = overview.project.key, overview.documents
    if not documents.total:
        return NextStep(
            _("Bring documents in"),
            _("This project is empty. Import a JSON Lines file with one document a line:"),
            command=f"goldloop import {key} FILE.jsonl",
        )
    if overview.waiting_run is not None:
        reason = _sentence(told(overview.waiting_run.reason))
        return NextStep(
            _("Decide about the challenger"),
            _("%(reason)s Look at the numbers below, then promote or refuse it.", reason=reason),
            action="decide",
        )
    if overview.active_run is not None:
        return NextStep(
            _("A training run is under way"),
            _(
                "Nothing to do: a better version is published by itself. Correcting goes on "
                "meanwhile."
            ),
            action="label" if documents.open else "",
        )
    if overview.publishing is not None:
        return NextStep(
            _("A version is being published"),
            _("Nothing to do: fresh pre-labels appear in Label Studio in a moment."),
        )
    if overview.project.label_studio_id is None:
        return NextStep(
            _("Connect Label Studio"),
            _("The documents are here, but people cannot see them yet. Connect the project:"),
            command=f"goldloop project connect {key}",
        )
    if overview.project.connected_at is None:
        return NextStep(
            _("Connect Label Studio"),
            _(
                "Nothing is changed in Label Studio, and no tagger is trained by itself, until "
                "you connect the project:"
            ),
            command=f"goldloop project connect {key}",
        )
    if overview.champion is None:
        return _before_the_first(overview)
    if documents.open:
        return _correct(overview)
    if documents.pool or documents.unsorted:
        waiting = documents.pool + documents.unsorted
        return NextStep(
            _("The working set is being filled"),
            ngettext(
                "%(count)s document waits in the pool; it is on its way to Label Studio.",
                "%(count)s documents wait in the pool; the next ones are on their way to Label "
                "Studio.",
                waiting,
                count=number(waiting),
            ),
        )
    return _all_done(overview)


def annotators_step(overview: ProjectOverview) -> NextStep:
    """The same for somebody who annotates and decides nothing."""
    documents = overview.documents
    if documents.open and overview.project.label_studio_id is not None:
        step = _correct(overview) if overview.champion else _before_the_first(overview)
        return step if step.action == "label" else _correct(overview)
    return NextStep(
        _("No document waits for a person"),
        _("Nothing to do now. When a curator brings more, it waits for you here."),
        action="own",
    )


def _correct(overview: ProjectOverview) -> NextStep:
    waiting = overview.documents.open
    missing = max(0, overview.settings.retrain_threshold - overview.changed)
    wait = ngettext(
        "%(count)s document waits there.",
        "%(count)s documents wait there, the most useful first.",
        waiting,
        count=number(waiting),
    )
    then = (
        ngettext(
            "%(count)s more corrected document and the tagger retrains itself.",
            "%(count)s more corrected documents and the tagger retrains itself.",
            missing,
            count=number(missing),
        )
        if missing
        else _("The threshold is reached: a training run begins by itself.")
    )
    return NextStep(_("Correct pre-labels in Label Studio"), f"{wait} {then}", action="label")


def _all_done(overview: ProjectOverview) -> NextStep:
    told = [_("Export the gold, or import more documents.")]
    deleted = overview.documents.deleted
    if deleted:
        told.append(
            ngettext(
                "The task of %(count)s document was deleted in Label Studio.",
                "The tasks of %(count)s documents were deleted in Label Studio.",
                deleted,
                count=number(deleted),
            )
        )
    return NextStep(_("No document waits for a person"), " ".join(told), action="export")


def _before_the_first(overview: ProjectOverview) -> NextStep:
    gold = overview.documents.gold
    if gold:
        return NextStep(
            _("Train the first tagger"),
            ngettext(
                "%(count)s document carries gold. From it a first tagger can pre-label the rest.",
                "%(count)s documents carry gold. From them a first tagger can pre-label the rest.",
                gold,
                count=number(gold),
            ),
            action="retrain",
        )
    threshold = number(overview.settings.retrain_threshold)
    return NextStep(
        _("Label the first documents"),
        _(
            "There is no gold yet. Label %(count)s documents in Label Studio and the first tagger "
            "is trained from them.",
            count=threshold,
        ),
        action="label",
    )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
