"""A tagger on gold, by the one metric."""

from collections.abc import Sequence

from ml_backend.contract.scoring import Scores, score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.loading import TextTagger


def evaluate(tagger: TextTagger, documents: Sequence[GoldDocument]) -> Scores:
    """Strict scores of what the tagger says about these documents."""
    predictions = tagger.predict([document.text for document in documents])
    return score(
        [document.entities for document in documents],
        [prediction.entities for prediction in predictions],
    )
