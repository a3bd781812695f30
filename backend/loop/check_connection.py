"""Look at a project's connection with Label Studio, with clients that do not wait for long."""

from contextlib import closing

from backend.clients.label_studio import LabelStudio
from backend.clients.tagger import MlBackend
from backend.context import Context
from backend.db.projects import project_by_key
from backend.workflow.label_studio.connection_check import Looked, check_connection

PATIENCE = 5.0  # seconds for one answer


def check_connection_of(context: Context, project_key: str) -> list[Looked]:
    """What is right and wrong, part by part; no transaction is open meanwhile."""
    settings = context.settings
    with context.database.read() as session:
        project = project_by_key(session, project_key)
    key = settings.label_studio_api_key.get_secret_value()
    label_studio = LabelStudio(settings.label_studio_url, key, timeout=PATIENCE)
    with closing(MlBackend(settings.ml_backend_url, timeout=PATIENCE)) as ml_backend:
        return check_connection(label_studio, ml_backend, settings, project)
