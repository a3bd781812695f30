"""What an operation works with, and which program asks for it."""

from flask import current_app, g

from backend.clients.services import Services, ServiceStates
from backend.context import Context
from backend.db.api_tokens import Caller


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


def caller() -> Caller:
    """The program that asks; its token was looked at before the operation began."""
    found = g.caller
    assert isinstance(found, Caller)
    return found


def asked_by() -> str:
    """Whom the audit log names."""
    return caller().who
