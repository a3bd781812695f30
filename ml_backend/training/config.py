"""The trainer's options: typed, with defaults that suit some hundred documents and many."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from ml_backend.tagger.scheme import SchemeName


class TrainingConfigError(ValueError):
    """An option that does not exist or a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Budgets are steps and epochs, never time, so that a rerun is identical.

    The steps are `epochs` over the documents, at least `min_steps` and at most `max_steps`.
    """

    scheme: SchemeName = "BIOES"
    epochs: int = 24
    min_steps: int = 300
    max_steps: int = 12000
    batch_documents: int = 8
    most_batch_documents: int = 32
    learning_rate: float = 5e-3
    crf_learning_rate: float = 5e-2
    weight_decay: float = 0.01
    warm_up: float = 0.1
    clip: float = 5.0
    ema: float = 0.995
    looks: int = 10  # evaluations on dev, spread over the steps
    patience: int = 4  # looks without a better one before training stops
    least_symbols: int = 2
    least_strings: int = 2
    most_strings: int = 200000
    symbol_size: int = 64
    string_size: int = 64
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.5
    symbol_dropout: float = 0.05
    string_dropout: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "TrainingConfig":
        """Read options by name; raises TrainingConfigError with one sentence for what is wrong."""
        defaults = cls().to_dict()
        unknown = sorted(record.keys() - defaults.keys())
        if unknown:
            known = ", ".join(sorted(defaults))
            raise TrainingConfigError(
                f"there is no training option {', '.join(unknown)}; the options are {known}"
            )
        values = {name: _converted(name, record[name], defaults[name]) for name in record}
        config = cls(**values)
        config._check()
        return config

    def _check(self) -> None:
        if self.scheme not in ("BIO", "BIOES"):
            raise TrainingConfigError(f"scheme must be BIO or BIOES, not {self.scheme!r}")
        shares = ("warm_up", "ema", "dropout", "symbol_dropout", "string_dropout")
        may_be_zero = ("weight_decay", "patience")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in shares and not 0 <= value < 1:
                raise TrainingConfigError(f"{field.name} must be at least 0 and below 1: {value}")
            if field.name in (*shares, "scheme"):
                continue
            # written so that a number that is none is refused too
            if value == float("inf") or not (
                value > 0 or (value == 0 and field.name in may_be_zero)
            ):
                raise TrainingConfigError(f"{field.name} must be above 0 and finite: {value}")


def _converted(name: str, value: Any, default: Any) -> Any:
    kind = type(default)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TrainingConfigError(
            f"{name} must be of type {kind.__name__}, as {default!r} is, not {value!r}"
        )
    return value
