"""Which program asks for an operation."""

from flask import g

from backend.db.api_tokens import Caller


def caller() -> Caller:
    """The program that asks; its token was looked at before the operation began."""
    found = g.caller
    assert isinstance(found, Caller)
    return found


def asked_by() -> str:
    """Whom the audit log names."""
    return caller().who
