"""Every operation of the API, in the order in which its documentation tells them."""

from backend.api.rest.autolabels import autolabelling
from backend.api.rest.copies import copies
from backend.api.rest.documents import documents
from backend.api.rest.labels import labels
from backend.api.rest.models import models
from backend.api.rest.people import people
from backend.api.rest.projects import projects

OPERATIONS = [
    operation
    for noun in (projects, documents, labels, models, copies, autolabelling, people)
    for operation in noun.all
]
