"""Where annotations come from: the person who made each, and the prediction that it began from.

Label Studio's annotations name both by number only. This asks for what is missing, so it does
HTTP and must stand outside of transactions; what it returns is plain values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend.clients.label_studio import LabelStudio
from backend.db.tables import AnnotationStatus
from backend.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Origins:
    """E-mail addresses by user number, and predictions by their number."""

    emails: Mapping[int, str] = field(default_factory=dict)
    predictions: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenAnnotation:
    """An annotation as Label Studio showed it, checked; `version_name` is the prediction's."""

    number: int
    task: int
    created_at: datetime
    updated_at: datetime
    status: AnnotationStatus
    regions: list[Any]
    lead_time: float | None
    user: int | None
    email: str | None
    version_name: str | None
    predicted_regions: list[Any] | None


def trace(
    label_studio: LabelStudio,
    annotations: Iterable[Mapping[str, Any]],
    *,
    emails: Mapping[int, str],
    predictions: Mapping[int, Mapping[str, Any]] | None = None,
) -> Origins:
    """Ask Label Studio for what `emails` and `predictions` do not hold of these annotations."""
    found = dict(predictions or {})
    people = dict(emails)
    asked_users = False
    for annotation in annotations:
        found |= _own_prediction(annotation)
        user, _ = _person(annotation)
        if user is not None and user not in people and not asked_users:
            asked_users = True
            people |= {int(one["id"]): str(one.get("email") or "") for one in label_studio.users()}
        parent = annotation.get("parent_prediction")
        if type(parent) is int and parent not in found:
            found[parent] = label_studio.prediction(parent) or {}
    return Origins(people, found)


def says_all(annotation: Mapping[str, Any], emails: Mapping[int, str]) -> bool:
    """Whether `trace` has nothing to ask for this annotation."""
    user, _ = _person(annotation)
    parent = annotation.get("parent_prediction")
    return (user is None or user in emails) and (
        type(parent) is not int or parent in _own_prediction(annotation)
    )


def read_annotation(annotation: Any, origins: Origins) -> SeenAnnotation:
    """Check one annotation's JSON; raises InvalidInputError when it is not one."""
    if not isinstance(annotation, dict):
        raise InvalidInputError(f"an annotation must be an object, not {annotation!r:.100}")
    number, task = annotation.get("id"), annotation.get("task")
    if type(number) is not int or type(task) is not int:
        raise InvalidInputError(f"annotation {number!r:.50} of task {task!r:.50} has no number")
    updated_at = read_time(annotation.get("updated_at"))
    regions = annotation.get("result")
    if not isinstance(regions, list):
        raise InvalidInputError(f"annotation {number} has no list of regions")
    user, email = _person(annotation)
    if user is not None:
        email = email or origins.emails.get(user)
    prediction = origins.predictions.get(annotation.get("parent_prediction") or 0) or {}
    version, predicted = prediction.get("model_version"), prediction.get("result")
    lead_time = annotation.get("lead_time")
    skipped = annotation.get("was_cancelled") is True
    return SeenAnnotation(
        number=number,
        task=task,
        created_at=read_time(annotation.get("created_at") or annotation.get("updated_at")),
        updated_at=updated_at,
        status=AnnotationStatus.SKIPPED if skipped else AnnotationStatus.SUBMITTED,
        regions=regions,
        lead_time=float(lead_time) if isinstance(lead_time, int | float) else None,
        user=user,
        email=email.strip().lower() if email and email.strip() else None,
        version_name=version[:63] if isinstance(version, str) and version else None,
        predicted_regions=predicted if isinstance(predicted, list) else None,
    )


def read_time(value: Any) -> datetime:
    """A time as Label Studio writes it; raises InvalidInputError."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidInputError(f"not a time: {value!r:.100}") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _own_prediction(annotation: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """The prediction that some answers carry: it is the parent only where the numbers agree."""
    own = annotation.get("prediction")
    return {own["id"]: own} if isinstance(own, dict) and type(own.get("id")) is int else {}


def _person(annotation: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Number and address of who completed an annotation; some answers give only the number."""
    person = annotation.get("completed_by")
    if isinstance(person, dict):
        number, email = person.get("id"), person.get("email")
        return (
            number if type(number) is int else None,
            email if isinstance(email, str) else None,
        )
    return (person if type(person) is int else None, None)
