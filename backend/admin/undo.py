"""What was done is told with a button that undoes it."""

from collections.abc import Mapping

from flask import flash


def flash_undo(sentence: str, address: str, fields: Mapping[str, str]) -> None:
    """Tell that something is done; the button sends these fields to an address."""
    flash((sentence, address, dict(fields)), "undo")  # type: ignore[arg-type]  # any JSON will do
