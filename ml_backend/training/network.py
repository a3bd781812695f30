"""An untrained network for the gold at hand, as the options ask for it."""

from collections import Counter
from pathlib import Path
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.contract.training_config import SPAN_HEADS, TrainingConfig
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.encoder import Encoder
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.heads.head import Head
from ml_backend.tagger.heads.losses import LossOptions, balanced_weights
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.lexicon import Lexicon
from ml_backend.tagger.model import HEADS, Model
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.dataset import TrainingData
from ml_backend.training.gazetteer import read_gazetteer
from ml_backend.training.vectors import read_vectors

# Texts of gold below which none of it is counted: what is left of a few without one is too little
# like the whole for the network to learn from the one what to make of the other.
LEAST_FOR_EVIDENCE = 100

MANY = 5000  # texts of gold from which a wider network pays


def new_model(data: TrainingData, config: TrainingConfig, champion: Model | None = None) -> Model:
    """Encoder and head; what they have to know of the data (vocabulary, widths) is counted.

    With a champion to go on from, the built-in encoder knows besides what that one knew.
    """
    encoder = _encoder(data, config, champion)
    return Model(encoder, _head(data, config, encoder.size))


def _encoder(data: TrainingData, config: TrainingConfig, champion: Model | None) -> Encoder:
    if config.encoder == BuiltinEncoder.name:
        return _builtin(data, config, champion)
    texts, gold = _texts_and_gold(data)
    return PretrainedEncoder.load(
        config.encoder,
        data.labels,
        Vocabulary.of(texts, least=config.least_symbols),
        Lexicon.made(texts, gold, data.labels, **_lexicon_options(config, len(texts))),
        unit=config.unit,
        spatial_dropout=config.spatial_dropout,
        lexicon_size=config.lexicon_size,
        words_size=config.words_size,
        lexicon_dropout=config.lexicon_dropout,
        words_dropout=config.words_dropout,
    )


def _builtin(data: TrainingData, config: TrainingConfig, champion: Model | None) -> BuiltinEncoder:
    texts, gold = _texts_and_gold(data)
    options = _lexicon_options(config, len(texts))
    knowledge = Knowledge.of(
        texts,
        gold,
        data.labels,
        least_symbols=config.least_symbols,
        least_strings=config.least_strings,
        most_strings=config.most_strings if len(texts) >= LEAST_FOR_EVIDENCE else 0,
        lexicon=options["own"],
        gazetteer=options["gazetteer"],
        words=options["words"],
    )
    if champion is not None and isinstance(champion.encoder, BuiltinEncoder):
        knowledge = knowledge.with_symbols_of(champion.encoder.reader().knowledge)
    return BuiltinEncoder.of(
        knowledge,
        symbol_size=config.symbol_size,
        evidence_size=config.evidence_size,
        lexicon_size=config.lexicon_size,
        words_size=config.words_size,
        hidden=config.hidden or (128 if len(texts) < MANY else 256),
        layers=config.layers,
        dropout=config.dropout,
        spatial_dropout=config.spatial_dropout,
        symbol_dropout=config.symbol_dropout,
        evidence_dropout=config.evidence_dropout,
        lexicon_dropout=config.lexicon_dropout,
        words_dropout=config.words_dropout,
    )


def _texts_and_gold(data: TrainingData) -> tuple[list[str], list[list[Entity]]]:
    return [example.text for example in data.train], [example.entities for example in data.train]


def _lexicon_options(config: TrainingConfig, texts: int) -> dict[str, Any]:
    """Of what a lexicon is made."""
    return {
        "own": config.lexicon and texts >= LEAST_FOR_EVIDENCE,
        "gazetteer": read_gazetteer(Path(config.gazetteer)) if config.gazetteer else (),
        "words": read_vectors(Path(config.vectors), config.most_vectors)
        if config.vectors
        else None,
    }


def _head(data: TrainingData, config: TrainingConfig, size: int) -> Head:
    head: Head = HEADS[config.head](data.labels, size, **_head_options(data, config))
    return head


def _head_options(data: TrainingData, config: TrainingConfig) -> dict[str, Any]:
    """What the head's constructor takes, by the kind of head."""
    inside = {"hidden": config.head_hidden, "dropout": config.head_dropout}
    if config.head not in SPAN_HEADS:
        options: dict[str, Any] = {"scheme": config.scheme}
        if config.head == "softmax":
            options["loss"] = _loss_options(data, config)
        elif config.head != "crf":
            options |= inside
        return options
    widths = [e.end - e.start for example in data.train for e in example.entities]
    options = {
        **inside,
        "max_width": config.max_width or min(max(widths), WINDOW),
        "nested": config.nested,
        "loss": _loss_options(data, config),
    }
    if config.head == "biaffine":
        options["positions"] = config.positions
    return options


def _loss_options(data: TrainingData, config: TrainingConfig) -> dict[str, Any]:
    weights = None
    if config.class_weights == "balanced":
        counts = Counter(e.label for example in data.train for e in example.entities)
        weights = balanced_weights(counts, data.labels.labels)
    return LossOptions(
        name=config.loss,
        focal_gamma=config.focal_gamma,
        label_smoothing=config.label_smoothing,
        negative_sampling=config.negative_sampling,
        label_weights=weights,
    ).to_dict()
