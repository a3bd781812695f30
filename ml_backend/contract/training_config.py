"""The trainer's options: typed, each with a sentence, contradictions refused when they are read.

A YAML file, a project's settings and the worker's request all hold these names. Defaults suit
some hundred documents and many.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

CHAIN_HEADS = ("crf", "bilstm-crf", "bigru-crf")
SPAN_HEADS = ("span", "biaffine")

Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]


class TrainingConfigError(ValueError):
    """An option that does not exist, a value that cannot be used, or two that contradict."""


class TrainingConfig(BaseModel):
    """Budgets are steps and epochs, never time, so that a rerun is identical.

    The steps are `epochs` over the documents, at least `min_steps` and at most `max_steps`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    # what is trained
    encoder: str = Field("builtin", description="builtin, or a Hugging Face name or folder")
    unit: Literal["character", "token"] = Field(
        "character", description="what the head labels; token only with a pretrained encoder"
    )
    head: Literal["crf", "softmax", "bilstm-crf", "bigru-crf", "span", "biaffine"] = Field(
        "crf", description="what decides from the vectors"
    )
    scheme: Literal["BIO", "BIOES"] = Field("BIOES", description="tags of the heads that tag")
    start: Literal["scratch", "champion"] = Field(
        "scratch", description="new weights, or those of the champion where shapes allow it"
    )

    # head
    head_hidden: Count = Field(128, description="width inside recurrent and span heads")
    head_dropout: Share = Field(0.3, description="dropout inside recurrent and span heads")
    max_width: CountOrNone = Field(
        0, description="longest span that span heads consider; 0: the longest of training"
    )
    nested: bool = Field(False, description="span heads may give entities inside entities")
    positions: Literal["none", "rotary", "relative"] = Field(
        "relative", description="what the biaffine head knows of distances"
    )

    # loss
    loss: Literal["cross-entropy", "focal", "dice"] = Field(
        "cross-entropy", description="a CRF's is the negative log-likelihood, nothing else"
    )
    focal_gamma: NotNegative = Field(2.0, description="how much focal loss spares easy cases")
    label_smoothing: Share = Field(0.0, description="share given to the other classes")
    negative_sampling: float = Field(
        1.0, gt=0, le=1, description="share of the spans without an entity that are learned from"
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare labels weigh more"
    )

    # the built-in encoder
    least_symbols: Count = Field(2, description="occurrences from which a character is known")
    least_strings: Count = Field(2, description="occurrences from which a string is known")
    most_strings: Count = Field(
        300000, description="strings that are known, the most frequent ones"
    )
    symbol_size: Count = Field(64, description="width of a character's own vector")
    evidence_size: Count = Field(
        96, description="width of what the gold says of the strings around"
    )
    lexicon_size: Count = Field(64, description="width of what the lexicon says")
    hidden: CountOrNone = Field(
        0, description="width of its LSTMs; 0: 128, and 256 from 5,000 texts of gold"
    )
    layers: Count = Field(1, description="LSTM layers")
    dropout: Share = Field(0.5, description="dropout between layers")
    symbol_dropout: Share = Field(0.05, description="share of characters made unknown")
    evidence_dropout: Share = Field(0.2, description="share of strings of which nothing is told")
    lexicon_dropout: Share = Field(
        0.1, description="share of characters of which the lexicon tells nothing"
    )

    # of the built-in encoder and of pretrained ones
    spatial_dropout: Share = Field(
        0.0, description="share of features that a whole text has to do without"
    )
    lexicon: bool = Field(True, description="how often surfaces were entities in the gold")
    gazetteer: str = Field("", description="file of surfaces: a surface, a tab, a label a line")
    vectors: str = Field(
        "", description="file of word vectors: word2vec's (text or binary), fastText's or GloVe's"
    )
    most_vectors: Count = Field(
        200000, description="word vectors that are read: the first ones of the file"
    )
    words_size: Count = Field(128, description="width of what word vectors say")
    words_dropout: Share = Field(0.2, description="share of a word vector's numbers left out")

    # budget
    epochs: Count = Field(24, description="passes over the documents")
    min_steps: Count = Field(300, description="steps at least, however little gold")
    max_steps: Count = Field(5000, description="steps at most, however much gold")
    batch_documents: Count = Field(8, description="documents of a batch where gold is little")
    most_batch_documents: Count = Field(32, description="documents of a batch where gold is much")
    batch_characters: Count = Field(16384, description="most characters of a batch, padded")
    accumulation: Count = Field(1, description="batches added up before a step")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="of training; bf16 and fp16 by autocast"
    )

    # optimizer
    learning_rate: Rate = Field(5e-3, description="of all that has no rate of its own")
    encoder_learning_rate: Rate = Field(3e-5, description="of a pretrained encoder")
    crf_learning_rate: Rate = Field(5e-2, description="of the scores between tags")
    weight_decay: NotNegative = Field(0.01, description="of AdamW; tables do not decay")
    warm_up: Share = Field(0.1, description="share of the steps in which the rates rise")
    schedule: Literal["linear", "cosine"] = Field(
        "cosine", description="how the rates fall after the warm-up"
    )
    clip: Rate = Field(5.0, description="largest norm of a gradient")
    averaging: Literal["ema", "swa", "none"] = Field(
        "ema", description="which average of the weights is kept"
    )
    ema: Share = Field(0.999, description="how slowly the averaged weights follow")
    fgm: NotNegative = Field(0.0, description="size of the adversarial step; 0: none")

    # data
    swap: Share = Field(0.0, description="share of entities swapped for others of their label")
    pseudo_weight: float = Field(0.3, gt=0, le=1, description="of a pseudo-labelled document")
    members: Count = Field(1, description="taggers that vote, each trained from its own seed")
    folds: CountOrNone = Field(0, description="members trained on all but one part each; 0: one")

    # choosing
    looks: Count = Field(10, description="evaluations on dev, spread over the steps")
    patience: CountOrNone = Field(4, description="looks without a better one before it stops")
    save_every: Count = Field(200, description="steps after which a killed training goes on")
    calibration: Literal["auto", "temperature", "isotonic", "none"] = Field(
        "auto", description="of the probabilities, on dev; auto: by held-out log-loss"
    )
    doubtful: Literal["leave", "tell"] = Field(
        "leave", description="entities more likely wrong than worth telling; leave: as dev says"
    )
    serving_form: Literal["auto", "fp32", "bf16", "int8"] = Field(
        "auto", description="auto: the fastest that costs no F1 on dev"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.head in CHAIN_HEADS and self.loss != "cross-entropy":
            raise ValueError(f"the head {self.head} has one loss, its likelihood: not {self.loss}")
        if self.head in CHAIN_HEADS and (self.label_smoothing or self.class_weights != "none"):
            raise ValueError(f"label_smoothing and class_weights do not apply to {self.head}")
        if self.loss == "dice" and self.label_smoothing:
            raise ValueError("label_smoothing means nothing to the dice loss: set it to 0")
        if self.head == "biaffine" and self.positions == "rotary" and self.head_hidden % 2:
            raise ValueError("rotary positions need an even head_hidden")
        if self.head not in SPAN_HEADS and (self.nested or self.negative_sampling != 1):
            raise ValueError("nested and negative_sampling are options of span heads")
        if self.unit == "token" and self.encoder == "builtin":
            raise ValueError("the built-in encoder reads characters: unit token needs another")
        if self.folds == 1:
            raise ValueError("folds must be 0, or 2 and more")
        if self.folds and self.members > 1:
            raise ValueError("folds are members that vote, too: members must be 1")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Every option as JSON."""
        return self.model_dump()

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "TrainingConfig":
        """Read options by name; raises TrainingConfigError with one sentence for each fault."""
        unknown = sorted(record.keys() - cls.model_fields.keys())
        if unknown:
            known = ", ".join(sorted(cls.model_fields))
            raise TrainingConfigError(
                f"there is no training option {', '.join(unknown)}; the options are {known}"
            )
        try:
            return cls.model_validate(record)
        except ValidationError as error:
            raise TrainingConfigError("; ".join(map(_sentence, error.errors()))) from None


def _sentence(problem: Any) -> str:
    where = "_".join(str(part) for part in problem["loc"])
    reason = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {reason}, not {problem['input']!r}" if where else reason
