"""The one way in which a tagger is used: by serving, by bulk prediction, by evaluation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import checkpoint
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.document_confidence import Reading
from ml_backend.tagger.examine import examine_windows, examined
from ml_backend.tagger.forms import Form, in_form
from ml_backend.tagger.model import Model
from ml_backend.tagger.scores import Examined, TextScores, text_scores
from ml_backend.tagger.sketch import Sketch
from ml_backend.tagger.windows import Window, merged, windows

Answer = TypeVar("Answer")

_BATCH_CHARACTERS = {"cpu": 8192, "cuda": 65536}
_BATCH_TEXTS = {"cpu": 128, "cuda": 1024}


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """A text's entities, sorted and apart, each with its probability; `confidence` is the
    probability that all of them are right and none is missing, `nothing` the network's own that
    there is none."""

    entities: list[Entity]
    confidence: float
    nothing: float = field(default=0.0, compare=False)


def one_thread() -> None:
    """Keep each of this process's threads to one core.

    A chain's steps are too small to share: a second core gains little, and where it is busy with
    something else the first waits for it at every step, ten times as long as the work takes.
    """
    torch.set_num_threads(1)


class Tagger:
    """A trained model that tags texts; it changes nothing in itself, so threads may share it."""

    def __init__(
        self,
        model: Model,
        device: torch.device | None = None,
        calibration: Calibration | None = None,
        form: Form | None = None,
    ):
        """Tag with the model itself, moved to the device, or with a copy in a form for serving."""
        self._device = device or torch.device("cpu")
        self._reader = model.encoder.reader()
        if form is None:
            self._model = model.to(self._device).eval()
        else:
            self._model = in_form(model, form, self._device)
        self._calibration = calibration or Calibration()
        self.nested = bool(model.to_dict()["head"].get("nested", False))
        self.labels: LabelSet = model.labels

    @classmethod
    def load(cls, folder: Path) -> "Tagger":
        """Read a version's folder, onto the GPU where there is one, in the form that was chosen
        for it; raises CheckpointError."""
        model, calibration = checkpoint.load(folder), checkpoint.calibration(folder)
        one_thread()
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model, device, calibration, checkpoint.form(folder))

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Tag each text: N in, N out, in order. An empty text gives an empty result.

        Texts of any length are read whole, in windows where they are long.
        """
        parts = self.in_windows(texts, lambda model, batch, _: model.decode(batch))
        return told(texts, self._calibration, [merged(p, nested=self.nested) for p in parts])

    def score(
        self, texts: Sequence[str], *, dropout_passes: int = 0
    ) -> list[tuple[TextPrediction, TextScores]]:
        """Tag each text as `predict` does, and say what selection ranks it by."""
        found = self.examine(texts, passes=dropout_passes)
        predictions = told(texts, self._calibration, [one.reading for one in found])
        curve = self._calibration.spans
        return [
            (prediction, text_scores([one], prediction.entities, self.labels, curve))
            for prediction, one in zip(predictions, found, strict=True)
        ]

    def examine(self, texts: Sequence[str], *, passes: int = 0, seed: int = 0) -> list[Examined]:
        """What the network believes of each text, in order.

        `passes` are readings with dropout; the seed draws what they drop and how gradients are
        projected.
        """
        sketch = Sketch(seed)
        parts = self.in_windows(
            texts,
            lambda model, batch, group: examine_windows(model, batch, group, sketch, passes=passes),
        )
        nothing = Examined.nothing(len(self.labels), self._model.encoder.size, passes)
        return [examined(part, nothing, nested=self.nested) for part in parts]

    @torch.inference_mode()
    def in_windows(
        self, texts: Sequence[str], ask: Callable[[Model, Any, list[Window]], list[Answer]]
    ) -> list[list[tuple[Window, Answer]]]:
        """What is answered of each text's windows, in order.

        `ask` is given the network, and some windows as its batch and as what they are.
        """
        pieces = [w for number, text in enumerate(texts) for w in windows(number, len(text))]
        answers: dict[Window, Answer] = {}
        for group in self._batches(pieces):
            batch = self._reader.read([texts[w.text][w.start : w.end] for w in group])
            answers.update(zip(group, ask(self._model, batch.to(self._device), group), strict=True))
        parts: list[list[tuple[Window, Answer]]] = [[] for _ in texts]
        for window in pieces:
            parts[window.text].append((window, answers[window]))
        return parts

    def _batches(self, pieces: list[Window]) -> Iterator[list[Window]]:
        """Windows of like length together, within a budget of characters after padding."""
        budget, most = _BATCH_CHARACTERS[self._device.type], _BATCH_TEXTS[self._device.type]
        group: list[Window] = []
        for window in sorted(pieces, key=lambda w: w.end - w.start):
            length = window.end - window.start
            if group and ((len(group) + 1) * length > budget or len(group) == most):
                yield group
                group = []
            group.append(window)
        if group:
            yield group


def told(
    texts: Sequence[str], calibration: Calibration, readings: Sequence[Reading]
) -> list[TextPrediction]:
    """What is told of each text, by readings of whole texts."""
    return [
        TextPrediction(read.entities, read.confidence if text else 1.0, read.nothing)
        for text, read in zip(texts, calibration.apply(readings), strict=True)
    ]
