"""The running job as the page shows it, read from its folder."""

from dataclasses import dataclass
from pathlib import Path

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.admin.words.words import word
from backend.db.tables import Publication, PublicationState, Run, RunState
from ml_backend.contract.messages import JobFolder

_PUBLISHING: dict[PublicationState, LazyString] = {
    PublicationState.PREDICTING: _l("tagging the open tasks"),
    PublicationState.IMPORTING: _l("handing the predictions to Label Studio"),
    PublicationState.SELECTING: _l("selecting them in Label Studio"),
    PublicationState.SERVING: _l("waiting for the ML backend to load it"),
}


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job under way. `share` is None while its length is unknown."""

    title: str
    stage: str
    asked_by: str
    share: float | None = None
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    figures: tuple[tuple[str, str], ...] = ()
    can_cancel: bool = False
    cancelling: bool = False
    run_id: int | None = None


def running_training(run: Run) -> RunningJob:
    """A run that is queued, training or before the gate."""
    folder = JobFolder(Path(run.folder)) if run.folder else None
    progress = folder.progress() if folder else None
    cancelling = folder is not None and folder.cancel_asked()
    stage = {
        RunState.QUEUED: _("waiting for a training worker"),
        RunState.JUDGING: _("judging it against the champion"),
    }.get(RunState(run.state), word(progress.stage) if progress else _("starting"))
    if progress is None or run.state == RunState.JUDGING:
        return RunningJob(
            title=_("Training"),
            stage=_("stopping") if cancelling else stage,
            asked_by=run.asked_by,
            can_cancel=run.state != RunState.JUDGING and not cancelling,
            cancelling=cancelling,
            run_id=run.id,
        )
    return RunningJob(
        title=_("Training"),
        stage=_("stopping") if cancelling else stage,
        asked_by=run.asked_by,
        share=min(1.0, progress.done / progress.total) if progress.total else None,
        done=progress.done,
        total=progress.total,
        seconds_left=progress.seconds_left,
        figures=tuple(
            (name.replace("_f1", " F1").replace("_", " "), _number(value))
            for name, value in progress.figures.items()
        ),
        can_cancel=not cancelling,
        cancelling=cancelling,
        run_id=run.id,
    )


def running_publication(publication: Publication, version_name: str) -> RunningJob:
    """A publication that is under way."""
    folder = JobFolder(Path(publication.folder)) if publication.folder else None
    progress = folder.progress() if folder else None
    predicting = publication.state == PublicationState.PREDICTING and progress is not None
    total = progress.total if progress and predicting else 0
    done = progress.done if progress and predicting else 0
    return RunningJob(
        title=_("Publishing %(name)s", name=version_name),
        stage=str(_PUBLISHING.get(PublicationState(publication.state), publication.state)),
        asked_by=publication.asked_by,
        share=min(1.0, done / total) if total else None,
        done=done,
        total=total,
        seconds_left=progress.seconds_left if progress and predicting else None,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3f}"
