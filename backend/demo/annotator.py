"""A person who corrects pre-labels to known gold, through Label Studio's own label stream."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.clients.label_studio import LabelStudio
from backend.errors import GoldloopError
from backend.workflow.correct import clean, compare
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import TextControl, to_regions


@dataclass
class Annotator:
    """Takes the next task, keeps what the pre-label has right, mends the rest, submits.

    `gold` maps a Goldloop document id to the entities that the document should have.
    """

    label_studio: LabelStudio
    project_id: int
    control: TextControl
    gold: Mapping[int, Sequence[Entity]]
    edits: Counter[str] = field(default_factory=Counter)
    submitted: list[int] = field(default_factory=list)  # document ids, in the order of the stream

    def work(self, tasks: int) -> None:
        """Correct that many tasks; raises GoldloopError when the stream ends before."""
        for _ in range(tasks):
            if self.correct_next() is None:
                raise GoldloopError(f"the label stream ended after {len(self.submitted)} tasks")

    def correct_next(self) -> dict[str, Any] | None:
        """Correct the next task of the stream; the submitted annotation, None at its end."""
        began = time.monotonic()
        task = self.label_studio.next_task(self.project_id)
        if task is None:
            return None
        document_id = int(task["data"]["goldloop_id"])
        text: str = task["data"][self.control.text_field]
        prediction = newest_prediction(task)
        shown = prediction["result"] if prediction else []
        predicted, _ = clean(shown, text, self.control)
        wanted = self.gold[document_id]
        self.edits.update(compare(predicted, wanted).to_dict())
        annotation = self.label_studio.submit(
            task["id"],
            corrected(shown, wanted, text, self.control),
            lead_time=time.monotonic() - began,
            parent_prediction=prediction["id"] if prediction else None,
        )
        self.submitted.append(document_id)
        return annotation


def newest_prediction(task: Mapping[str, Any]) -> dict[str, Any] | None:
    """The prediction that Label Studio's page would start from."""
    predictions: list[dict[str, Any]] = task.get("predictions") or []
    return max(predictions, key=lambda found: int(found["id"]), default=None)


def corrected(
    shown: Sequence[Mapping[str, Any]], wanted: Sequence[Entity], text: str, control: TextControl
) -> list[dict[str, Any]]:
    """The regions a person would leave: accepted ones as they were, the others drawn anew."""
    accepted = {
        (region["value"]["start"], region["value"]["end"], region["value"]["labels"][0]): region
        for region in shown
    }
    drawn, _ = to_regions(wanted, text, control)
    result: list[dict[str, Any]] = []
    for entity, region in zip(wanted, drawn, strict=True):
        kept = accepted.get(entity.key)
        result.append(dict(kept) if kept else {**region, "origin": "manual"})
    return result
