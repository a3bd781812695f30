"""The conflicts that a release leaves open, as its file of them has them."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import orjson
from sqlalchemy.orm import Session

from backend.db.tables import Project
from backend.workflow.duplicates.conflicts import exact_conflicts, near_conflicts

KINDS = ("exact", "near")


def open_conflicts(session: Session, project: Project, counts: Counter[str]) -> Iterator[bytes]:
    """A line for each group of copies that were labelled differently and that nobody decided.

    Exact copies first, by their key; then near ones, of which only what they share is compared.
    `counts` is told of each kind.
    """
    for conflict in chain(exact_conflicts(session, project), near_conflicts(session, project)):
        counts[conflict.kind] += 1
        yield orjson.dumps(conflict.to_dict())
