"""What the application opened at its start, and who is asking."""

from flask import current_app
from flask_login import current_user

from backend.clients.services import Services, ServiceStates
from backend.context import Context


def opened() -> Context:
    """The context of the running application."""
    context = current_app.extensions["goldloop"]
    assert isinstance(context, Context)
    return context


def service_states() -> ServiceStates:
    """The states of the other services as the running application last saw them."""
    services = current_app.extensions["goldloop.services"]
    assert isinstance(services, Services)
    return services.states()


def asked_by() -> str:
    """The address of the person signed in: recorded with what they ask for."""
    return str(current_user.email)
