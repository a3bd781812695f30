"""What a curator may choose for one training run, each with its explanation."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from backend.errors import InvalidInputError

MOST_EPOCHS = 1000
BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option: how it is called, and what speaks for it."""

    value: str
    name: LazyString
    meaning: LazyString


ENCODERS = (
    Choice(
        BUILTIN,
        _l("Built-in"),
        _l(
            "Reads characters and learns from your gold alone: minutes on a processor, no download."
        ),
    ),
)
HEADS = (
    Choice("crf", _l("CRF"), _l("Decides for the whole sentence at once; the safe choice.")),
    Choice("softmax", _l("Softmax"), _l("Decides for each character; the fastest.")),
    Choice("bilstm-crf", _l("BiLSTM and CRF"), _l("Reads once more in both directions; slower.")),
    Choice("bigru-crf", _l("BiGRU and CRF"), _l("As BiLSTM and CRF, with fewer weights.")),
    Choice("span", _l("Span"), _l("Judges whole spans; entities may be nested.")),
    Choice(
        "biaffine", _l("Biaffine"), _l("Judges pairs of begin and end; entities may be nested.")
    ),
)
STARTS = (
    Choice("scratch", _l("New weights"), _l("Forgets old mistakes; takes all its epochs.")),
    Choice(
        "champion",
        _l("The champion's weights"),
        _l("Goes on from what is served, where its shapes fit; fewer epochs do."),
    ),
)
CHOICES = {"head": HEADS, "start": STARTS}


def chosen_options(form: Mapping[str, str]) -> dict[str, str | int]:
    """The options of a form that are not left to the project; raises InvalidInputError."""
    options: dict[str, str | int] = {}
    for name, choices in CHOICES.items():
        value = form.get(name, "")
        if value and value not in {choice.value for choice in choices}:
            raise InvalidInputError(f"{name} cannot be {value!r}")
        if value:
            options[name] = value
    encoder = form.get("encoder", "").strip()
    if encoder:
        options["encoder"] = encoder
    epochs = form.get("epochs", "").strip()
    if epochs:
        if not (epochs.isascii() and epochs.isdecimal() and 1 <= int(epochs) <= MOST_EPOCHS):
            raise InvalidInputError(f"epochs must be a whole number from 1 to {MOST_EPOCHS}")
        options["epochs"] = int(epochs)
    return options
