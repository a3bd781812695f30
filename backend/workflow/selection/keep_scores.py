"""Keeping what a prediction job tells of its documents for selection: see PredictRequest."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from backend.db.scores import put_scores
from backend.workflow.selection.cost import expected_edits
from backend.workflow.strategies.features import SCORES


def keep_scores(
    session: Session,
    version_id: int,
    records: Sequence[Mapping[str, Any]],
    alive: Iterable[int],
    *,
    arrays: str | None,
    first_row: int,
) -> None:
    """Keep the scores of a chunk of a job's records; those without any are left out.

    `alive` are the documents that still exist; the first record's vectors are row `first_row` of
    `arrays`.
    """
    known = set(alive)
    rows = [
        _row(version_id, record, arrays, first_row + place)
        for place, record in enumerate(records)
        if record.get("scores") and int(record["id"]) in known
    ]
    put_scores(session, rows)


def _row(
    version_id: int, record: Mapping[str, Any], arrays: str | None, row: int
) -> dict[str, Any]:
    scores = record["scores"]
    entities = sum(scores["expected"].values())
    probabilities = [entity["probability"] for entity in record["entities"]]
    return {
        "document_id": int(record["id"]),
        "version_id": version_id,
        **{name: scores[name] for name in SCORES},
        "expected": scores["expected"],
        "entities": entities,
        "edits": expected_edits(probabilities, entities),
        "arrays": arrays,
        "row": row,
    }
