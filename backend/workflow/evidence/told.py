"""Evidence as a record: what the API and the command tell, whose readers are curators."""

from dataclasses import asdict
from typing import Any

from backend.db.rejections import Rejected
from backend.workflow.evidence.evidence import Evidence, Suggestion


def record_of(found: Evidence) -> dict[str, Any]:
    """A document's evidence as plain values; times are times."""
    return {
        "document_id": found.document.id,
        "external_id": found.document.external_id,
        "text": found.document.text,
        "version": found.said.version.name if found.said else None,
        "confidence": found.said.prediction.confidence if found.said else None,
        "blind": found.blind,
        "behind": found.behind,
        "suggestions": [_of_suggestion(one) for one in found.suggestions],
        "next": found.after,
    }


def _of_suggestion(one: Suggestion) -> dict[str, Any]:
    return {
        "start": one.entity.start,
        "end": one.entity.end,
        "label": one.entity.label,
        "text": one.surface,
        "probability": one.entity.probability,
        "fate": one.fate,
        "runner_up": asdict(one.runner_up) if one.runner_up else None,
        "labels": dict(one.labels),
        "examples": [example._asdict() for example in one.examples],
        "similar": [
            {
                "form": other.form,
                "likeness": round(other.likeness, 4),
                "labels": dict(other.labels),
                "example": other.example._asdict(),
            }
            for other in one.similar
        ],
        "corrections": [was._asdict() for was in one.corrections],
        "rejected": _of_rejection(one.rejected) if one.rejected else None,
    }


def _of_rejection(one: Rejected) -> dict[str, Any]:
    gone = one.rejection
    became = None
    if gone.became_label is not None:
        became = {"start": gone.became_start, "end": gone.became_stop, "label": gone.became_label}
    return {
        "document_id": one.document.id,
        "version": gone.version_name,
        "kind": gone.kind,
        "became": became,
        "by": one.who,
        "at": one.state.updated_at,
    }
