"""What was done is told with a button that undoes it."""

from collections.abc import Mapping

from flask import flash, url_for

from backend.db.tables_of_access import AuditEntry


def flash_undo(sentence: str, address: str, fields: Mapping[str, str]) -> None:
    """Tell that something is done; the button sends these fields to an address."""
    flash((sentence, address, dict(fields)), "undo")  # type: ignore[arg-type]  # any JSON will do


def flash_settings(sentence: str, key: str, change: AuditEntry | None) -> None:
    """Tell that a project's settings are saved; nothing is to be undone where nothing changed."""
    if change is None:
        flash(sentence, "done")
    else:
        flash_undo(sentence, url_for("project_settings.undo", key=key), {"change": str(change.id)})
