"""The one way in which a tagger is used: by serving, by bulk prediction, by evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import checkpoint
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.forms import Form, in_form
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.model import Model
from ml_backend.tagger.windows import Window, merged, windows

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
        self._nested = bool(model.to_dict()["head"].get("nested", False))
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
        pieces = [w for number, text in enumerate(texts) for w in windows(number, len(text))]
        decoded: dict[Window, Decoded] = {}
        for group in self._batches(pieces):
            found = self._decode([texts[w.text][w.start : w.end] for w in group])
            decoded.update(zip(group, found, strict=True))
        parts: list[list[tuple[Window, Decoded]]] = [[] for _ in texts]
        for window in pieces:
            parts[window.text].append((window, decoded[window]))
        whole = self._calibration.apply([merged(part, nested=self._nested) for part in parts])
        return [
            TextPrediction(read.entities, read.confidence if text else 1.0, read.nothing)
            for text, read in zip(texts, whole, strict=True)
        ]

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

    @torch.inference_mode()
    def _decode(self, texts: list[str]) -> list[Decoded]:
        batch = self._reader.read(texts)
        return self._model.decode(batch.to(self._device))
