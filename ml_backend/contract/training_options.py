"""The names of the trainer's options, which a project's settings and the trainer both hold.

What each means, and what it may be, is `TrainingConfig`'s.
"""

from collections.abc import Iterable

OPTIONS = frozenset(
    [
        "encoder",
        "unit",
        "head",
        "scheme",
        "start",
        "head_hidden",
        "head_dropout",
        "max_width",
        "nested",
        "positions",
        "loss",
        "focal_gamma",
        "label_smoothing",
        "negative_sampling",
        "class_weights",
        "least_symbols",
        "least_strings",
        "most_strings",
        "symbol_size",
        "evidence_size",
        "lexicon_size",
        "hidden",
        "layers",
        "dropout",
        "symbol_dropout",
        "evidence_dropout",
        "lexicon_dropout",
        "spatial_dropout",
        "lexicon",
        "gazetteer",
        "vectors",
        "most_vectors",
        "words_size",
        "words_dropout",
        "epochs",
        "min_steps",
        "max_steps",
        "batch_documents",
        "most_batch_documents",
        "batch_characters",
        "accumulation",
        "precision",
        "learning_rate",
        "encoder_learning_rate",
        "crf_learning_rate",
        "weight_decay",
        "warm_up",
        "schedule",
        "clip",
        "averaging",
        "ema",
        "fgm",
        "swap",
        "pseudo_weight",
        "folds",
        "looks",
        "patience",
        "save_every",
        "calibration",
        "doubtful",
        "serving_form",
    ]
)


def unknown_options(names: Iterable[str]) -> str | None:
    """A sentence about the names that are no options; None where all are."""
    unknown = sorted(set(names) - OPTIONS)
    if not unknown:
        return None
    known = ", ".join(sorted(OPTIONS))
    return f"there is no training option {', '.join(unknown)}; the options are {known}"
