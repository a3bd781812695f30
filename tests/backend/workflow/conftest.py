"""A client of the real Label Studio, and a project that it delivers to."""

import pytest

from backend.clients.label_studio import LabelStudio
from tests.backend.workflow.receiver import receiver


@pytest.fixture(scope="session")
def client(label_studio):
    return LabelStudio(label_studio.url, label_studio.api_key, timeout=30)


@pytest.fixture
def desk(database, settings, client):
    with receiver(database, settings, client) as found:
        yield found
