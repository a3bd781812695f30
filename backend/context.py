"""What every entry point (application, job, command) opens first: settings, database, clients."""

from dataclasses import dataclass
from functools import cached_property

from backend.clients.label_studio import LabelStudio
from backend.clients.queue import JobQueue
from backend.db.session import Database, connect
from backend.settings import Settings
from ml_backend.contract.model_store import ModelStore


@dataclass(frozen=True)
class Context:
    """The open things of one process; clients connect on first use."""

    settings: Settings
    database: Database
    queue: JobQueue

    @cached_property
    def label_studio(self) -> LabelStudio:
        """The client of the one Label Studio; raises SettingsError when none is configured."""
        self.settings.require("label_studio_url", "label_studio_api_key")
        return LabelStudio(
            self.settings.label_studio_url,
            self.settings.label_studio_api_key.get_secret_value(),
            timeout=self.settings.http_timeout,
        )

    @property
    def models(self) -> ModelStore:
        """The model store."""
        return ModelStore(self.settings.models)


def open_context(settings: Settings) -> Context:
    """Open the database and prepare the clients; no connection is made yet."""
    return Context(settings, connect(settings.database_address), JobQueue(settings.redis_address))
