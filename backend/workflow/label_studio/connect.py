"""Connect a project with Label Studio: its project there, our ML backend, one hook, one version.

All of it is HTTP and idempotent: what is there and right is left, what is lacking or wrong is put
right. Adopted projects are changed by nothing before this.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from backend.clients.label_studio import LabelStudio
from backend.errors import LabelStudioError
from backend.settings import Settings
from backend.workflow.label_studio.instructions import GUIDE, evidence_address, with_link


@dataclass(frozen=True, slots=True)
class Connected:
    """The numbers in Label Studio of what now belongs to a project."""

    label_studio_id: int
    ml_backend_id: int
    webhook_id: int
    model_version: str | None
    since: str  # when Label Studio made its project, as it says
    replaced: int | None = None  # the project there that was gone, for which this one was made


def title_of_backend(key: str) -> str:
    """The title of our ML backend in Label Studio; every project's is its own."""
    return f"goldloop-{key}"


def webhook_url(settings: Settings, key: str) -> str:
    """Where Label Studio delivers the events of a project."""
    return f"{settings.internal_url or settings.public_url}/webhooks/{key}"


def find_project(
    label_studio: LabelStudio, number: int, since: str | None
) -> dict[str, Any] | None:
    """A project as Label Studio has it, None when it is gone.

    One of the same number that was made at another time than `since` (None: not known) is of
    another server, or of one that began anew.
    """
    try:
        found = label_studio.project(number)
    except LabelStudioError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    return found if since in (None, found["created_at"]) else None


def make_label_studio_project(
    label_studio: LabelStudio, *, key: str, name: str, label_config: str
) -> int:
    """Make a Label Studio project that serves our order; keep its number before all else."""
    return label_studio.create_project(
        name, label_config, description=f"Goldloop project {key}", sampling="Uncertainty sampling"
    )


def connect(
    label_studio: LabelStudio,
    settings: Settings,
    *,
    key: str,
    label_studio_id: int,
    champion: str | None,
) -> Connected:
    """Set a Label Studio project up for us; the ML backend must be running.

    The champion's version is selected only once predictions of it are stored there: before that
    Label Studio refuses it, and publication will select it.
    """
    settings.require("webhook_secret", "ml_backend_password")
    label_studio.update_project(
        label_studio_id, sampling="Uncertainty sampling", show_collab_predictions=True
    )
    _link_evidence(label_studio, settings, key, label_studio_id)
    backend_id = label_studio.wiring.attach_ml_backend(
        label_studio_id,
        title=title_of_backend(key),
        url=f"{settings.ml_backend_url}/p/{key}",
        user=settings.ml_backend_user,
        password=settings.ml_backend_password.get_secret_value(),
    )
    hook_id = label_studio.wiring.ensure_one_webhook(
        label_studio_id,
        url=webhook_url(settings, key),
        secret=settings.webhook_secret.get_secret_value(),
    )
    if champion is not None and label_studio.model_versions(label_studio_id).get(champion):
        label_studio.select_model_version(label_studio_id, champion)
    theirs = label_studio.project(label_studio_id)
    selected, since = theirs.get("model_version"), theirs["created_at"]
    return Connected(label_studio_id, backend_id, hook_id, selected or None, since)


def _link_evidence(
    label_studio: LabelStudio, settings: Settings, key: str, label_studio_id: int
) -> None:
    """Let the labelling page's instructions say how to label and lead to our evidence.

    Label Studio shows them only where a project says so: it does where it had none of its own.
    """
    project = label_studio.project(label_studio_id)
    before = str(project.get("expert_instruction") or "")
    after = with_link(before or GUIDE, key, evidence_address(settings, key))
    if after != before:
        shown = bool(project.get("show_instruction")) or not before
        label_studio.update_project(
            label_studio_id, expert_instruction=after, show_instruction=shown
        )
