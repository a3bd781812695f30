"""What the application opened at its start, and who is asking."""

from flask import current_app
from flask_login import current_user

from backend.context import Context


def opened() -> Context:
    """The context of the running application."""
    context = current_app.extensions["goldloop"]
    assert isinstance(context, Context)
    return context


def asked_by() -> str:
    """The address of the person signed in: recorded with what they ask for."""
    return str(current_user.email)
