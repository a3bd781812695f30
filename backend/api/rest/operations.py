"""Every operation of the API, in the order in which its documentation tells them."""

from backend.api.rest.annotators import annotators
from backend.api.rest.autolabels import autolabelling
from backend.api.rest.copies import copies
from backend.api.rest.differences import differing
from backend.api.rest.documents import documents
from backend.api.rest.doubts import doubting
from backend.api.rest.evidence import evidence
from backend.api.rest.forecasts import forecasts
from backend.api.rest.labels import labels
from backend.api.rest.members import members
from backend.api.rest.models import models
from backend.api.rest.overview import overview
from backend.api.rest.people import people
from backend.api.rest.projects import projects
from backend.api.rest.queue import queue
from backend.api.rest.releases import releases
from backend.api.rest.replays import replays
from backend.api.rest.selection import selection
from backend.api.rest.versions import versions

NOUNS = (
    projects,
    overview,
    members,
    documents,
    labels,
    selection,
    replays,
    models,
    forecasts,
    versions,
    differing,
    evidence,
    doubting,
    copies,
    autolabelling,
    releases,
    annotators,
    queue,
    people,
)
OPERATIONS = [operation for noun in NOUNS for operation in noun.all]
