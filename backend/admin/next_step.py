"""What to do next with a project, as one sentence; and what needs attention besides."""

from dataclasses import dataclass
from typing import Literal

from backend.admin.services import ServiceStates
from backend.db.overview import ProjectOverview
from backend.db.tables import PublicationState
from backend.db.tables_of_autolabel import PromiseState


@dataclass(frozen=True, slots=True)
class NextStep:
    """A headline, the sentence below it, a command to type or the action that does it."""

    headline: str
    sentence: str
    action: Literal["", "retrain", "label", "decide", "export"] = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that is not as it should be, and what to do about it."""

    level: Literal["warning", "error"]
    sentence: str


def next_step(overview: ProjectOverview) -> NextStep:
    """The one thing that moves the data path on."""
    key, documents = overview.project.key, overview.documents
    if not documents.total:
        return NextStep(
            "Bring documents in",
            "This project is empty. Import a JSON Lines file with one document a line:",
            command=f"goldloop import {key} FILE.jsonl",
        )
    if overview.waiting_run is not None:
        return NextStep(
            "Decide about the challenger",
            f"{_sentence(overview.waiting_run.reason)} Look at the numbers below, then promote "
            "or refuse it.",
            action="decide",
        )
    if overview.active_run is not None:
        return NextStep(
            "A training run is under way",
            "Nothing to do: a better version is published by itself. Correcting goes on meanwhile.",
            action="label" if documents.open else "",
        )
    if overview.publishing is not None:
        return NextStep(
            "A version is being published",
            "Nothing to do: fresh pre-labels appear in Label Studio in a moment.",
        )
    if overview.project.label_studio_id is None:
        return NextStep(
            "Connect Label Studio",
            "The documents are here, but people cannot see them yet. Connect the project:",
            command=f"goldloop project connect {key}",
        )
    if overview.project.connected_at is None:
        return NextStep(
            "Connect Label Studio",
            "This project was adopted as it is: nothing is changed in Label Studio, and no tagger "
            "is trained by itself, until you connect it:",
            command=f"goldloop project connect {key}",
        )
    if overview.champion is None:
        return _before_the_first(overview)
    if documents.open:
        missing = max(0, overview.settings.retrain_threshold - overview.changed)
        then = (
            f"{_count(missing, 'more corrected document')} and the tagger retrains itself."
            if missing
            else "The threshold is reached: a training run begins by itself."
        )
        return NextStep(
            "Correct pre-labels in Label Studio",
            f"{_count(documents.open, 'document')} wait there, the most useful first. {then}",
            action="label",
        )
    if documents.pool or documents.unsorted:
        return NextStep(
            "The working set is being filled",
            f"{_count(documents.pool + documents.unsorted, 'document')} wait in the pool; the "
            "next ones are on their way to Label Studio.",
        )
    deleted = (
        f" The tasks of {_count(documents.deleted, 'document')} were deleted in Label Studio."
        if documents.deleted
        else ""
    )
    return NextStep(
        "No document waits for a person",
        f"Export the gold, or import more documents.{deleted}",
        action="export",
    )


def attention(overview: ProjectOverview, services: ServiceStates) -> list[Attention]:
    """What a curator should know of, the worst first."""
    found: list[Attention] = []
    if not services.redis:
        found.append(
            Attention(
                "error",
                "Redis does not answer. Nothing is lost: annotations are kept and jobs begin "
                "when it is back.",
            )
        )
    if services.tagger_error:
        found.append(
            Attention("error", "The ML backend does not answer: Label Studio gets no predictions.")
        )
    load_error = services.load_error(overview.project.key)
    if load_error:
        found.append(
            Attention("error", f"The ML backend could not load the champion: {load_error}")
        )
    if services.idle_queues:
        named = ", ".join(services.idle_queues)
        found.append(Attention("error", f"No worker is alive to take jobs of: {named}."))
    failed = overview.ended_badly
    if failed is not None:
        found.append(
            Attention("warning", f"The last training run was {failed.state}: {failed.reason}")
        )
    publication = overview.publication
    if publication is not None and publication.state == PublicationState.FAILED:
        found.append(Attention("warning", f"The last publication failed: {publication.reason}"))
    promise = overview.promise
    if promise is not None and promise.state == PromiseState.STOPPED:
        found.append(
            Attention(
                "error",
                "Nothing is accepted by rule any more, and what the rule had accepted is recalled: "
                f"{promise.reason}.",
            )
        )
    if overview.inbox.refused:
        found.append(
            Attention(
                "warning",
                f"{_count(overview.inbox.refused, 'delivery', 'deliveries')} from Label Studio "
                "could not be used; each is kept with its reason.",
            )
        )
    return found


def _before_the_first(overview: ProjectOverview) -> NextStep:
    gold = overview.documents.gold
    if gold:
        return NextStep(
            "Train the first tagger",
            f"{_count(gold, 'document')} carry gold. From them a first tagger can pre-label the "
            "rest.",
            action="retrain",
        )
    return NextStep(
        "Label the first documents",
        f"There is no gold yet. Label {overview.settings.retrain_threshold} documents in Label "
        "Studio and the first tagger is trained from them.",
        action="label",
    )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
