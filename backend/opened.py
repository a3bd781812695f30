"""What the running application opened at its start, for pages and the API alike."""

from dataclasses import dataclass
from typing import Self

from flask import Flask, current_app

from backend.clients.services import Services, ServiceStates
from backend.context import Context
from backend.workflow.annotators.kept_figures import KeptFigures

_NAME = "goldloop.parts"


@dataclass(frozen=True)
class _Parts:
    context: Context
    services: Services
    annotators: KeptFigures

    @classmethod
    def of(cls, app: Flask) -> Self:
        found = app.extensions[_NAME]
        assert isinstance(found, cls)
        return found


def keep_open(app: Flask, context: Context) -> None:
    """Make the context and what follows from it this application's own."""
    settings = context.settings
    services = Services(context.queue, settings.ml_backend_url, settings.label_studio_url)
    app.extensions[_NAME] = _Parts(context, services, KeptFigures())


def opened_by(app: Flask) -> Context:
    """The context of an application."""
    return _Parts.of(app).context


def opened() -> Context:
    """The context of the running application."""
    return opened_by(current_app)


def service_states() -> ServiceStates:
    """The states of the other services as the running application last saw them."""
    return _Parts.of(current_app).services.states()


def kept_figures() -> KeptFigures:
    """What was counted of annotators, kept until something changes."""
    return _Parts.of(current_app).annotators
