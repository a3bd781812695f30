"""A version's folder to what it holds, whichever kind of version it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import checkpoint
from ml_backend.tagger.ensemble import Ensemble, is_ensemble, member_folders
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger, TextPrediction
from ml_backend.tagger.scores import TextScores


class TextTagger(Protocol):
    """What tags texts; threads may share it."""

    labels: LabelSet

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Tag each text: N in, N out, in order. An empty text gives an empty result."""
        ...

    def score(
        self, texts: Sequence[str], *, dropout_passes: int = 0
    ) -> list[tuple[TextPrediction, TextScores]]:
        """Tag each text as `predict` does, and say what selection ranks it by."""
        ...


def load_tagger(folder: Path) -> TextTagger:
    """A version ready to predict, onto the GPU where there is one; raises CheckpointError."""
    return Ensemble.load(folder) if is_ensemble(folder) else Tagger.load(folder)


def load_model(folder: Path) -> Model:
    """A version's network, the first member's of several; raises CheckpointError."""
    return checkpoint.load(network_folder(folder))


def network_folder(folder: Path) -> Path:
    """Where a version's network is, the first member's of several."""
    return member_folders(folder)[0] if is_ensemble(folder) else folder
