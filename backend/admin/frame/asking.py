"""Who is asking."""

from flask_login import current_user


def asked_by() -> str:
    """The address of the person signed in: recorded with what they ask for."""
    return str(current_user.email)
