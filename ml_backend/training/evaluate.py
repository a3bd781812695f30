"""A tagger on gold, by the one metric."""

from collections.abc import Sequence

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import Scores, score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.loading import TextTagger
from ml_backend.training.reliability import Readings


def evaluate(tagger: TextTagger, documents: Sequence[GoldDocument]) -> Scores:
    """Strict scores of what the tagger says about these documents."""
    return judge(documents, tagger.predict([document.text for document in documents]))


def judge(documents: Sequence[GoldDocument], readings: Readings) -> Scores:
    """Strict scores of readings, one a document, as far as gold can judge them."""
    return score([document.entities for document in documents], looked_for(documents, readings))


def looked_for(documents: Sequence[GoldDocument], readings: Readings) -> list[list[Entity]]:
    """The predicted entities of each document that its gold can judge."""
    return [
        document.judged(reading.entities)
        for document, reading in zip(documents, readings, strict=True)
    ]
