"""Addresses that a form or a link asks to be sent on to."""

from flask import url_for


def own_address(address: str) -> str:
    """A page of ours to go on to, never an address elsewhere; the projects where it is none."""
    begins_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    is_ours = begins_ours and address.isprintable()  # browsers leave out tabs and line ends
    return address if is_ours else url_for("projects.projects")
