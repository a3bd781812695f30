"""Probabilities that mean what they say, of entities and of whole documents.

A version has a curve for its entities; what it says of a whole document is weighed from several
signs and has a curve of its own. All of it is chosen on dev (see `ml_backend.training.calibrate`)
and applied after the windows of a text were merged.

The most probable reading is not the one of the best F1: an entity that is probably wrong costs
precision more than it brings recall. Where that pays on dev, a version leaves those out that are
less probable than half of the F1 or so (Ye et al. 2012, arXiv:1206.4625).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml_backend.tagger.curves import EDGE, UNCHANGED, Curve, curve_from_dict
from ml_backend.tagger.document_confidence import OWN, DocumentConfidence, Reading, Told
from ml_backend.tagger.heads.head import Decoded


@dataclass(frozen=True, slots=True)
class Calibration:
    """The two curves of a version, how it weighs what tells of a whole document, and `least`, the
    calibrated probability from which an entity is told."""

    spans: Curve = UNCHANGED
    documents: Curve = UNCHANGED
    least: float = 0.0
    whole: DocumentConfidence = OWN

    def apply(self, readings: Sequence[Reading]) -> list[Decoded]:
        """Whole texts' readings with calibrated probabilities and confidence, in order."""
        if self == Calibration():
            return [Decoded(one.entities, one.confidence, one.nothing) for one in readings]
        told = self.tell(readings)
        whole = self.documents(self.whole(told))
        return [
            Decoded(one.entities, confidence, one.nothing)
            for one, confidence in zip(told, whole.tolist(), strict=True)
        ]

    def tell(self, readings: Sequence[Reading]) -> list[Told]:
        """The entities of each that are worth telling, with calibrated probabilities."""
        raw = [entity.probability or 0.0 for reading in readings for entity in reading.entities]
        spans = iter(self.spans(np.array(raw, np.float64)).tolist())
        return [
            self._told(reading, [next(spans) for _ in reading.entities]) for reading in readings
        ]

    def _told(self, reading: Reading, calibrated: Sequence[float]) -> Told:
        """A reading without its entities that are too improbable, the others calibrated.

        Its confidence is still the head's own: without an entity of probability p it is as much
        likelier as that one's absence is, and at most 1 - p.
        """
        entities, confidence, sure = [], reading.confidence, []
        for entity, probability in zip(reading.entities, calibrated, strict=True):
            if probability >= self.least:
                entities.append(replace(entity, probability=probability))
                sure.append(probability)
                continue
            own = max(entity.probability or 0.0, EDGE)
            confidence = min(confidence * (1 - own) / own, 1 - own)
            sure.append(1 - probability)
        left_out = len(entities) < len(sure)
        return Told(entities, confidence, reading.nothing, min(sure, default=0.5), left_out)

    def to_dict(self) -> dict[str, Any]:
        curves = {"spans": self.spans.to_dict(), "documents": self.documents.to_dict()}
        return {**curves, "least": self.least, "whole": self.whole.to_dict()}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Calibration":
        """Read it from JSON; raises ValueError, KeyError or TypeError where it is none."""
        spans, documents = curve_from_dict(record["spans"]), curve_from_dict(record["documents"])
        whole = DocumentConfidence.from_dict(record.get("whole", OWN.to_dict()))
        return cls(spans, documents, float(record.get("least", 0.0)), whole)
