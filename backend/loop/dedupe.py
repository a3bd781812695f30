"""Dedupe, chunk by chunk, until every document of a project was looked at."""

import time

from backend.db.session import Database
from backend.workflow.dedupe import DedupeReport, dedupe


def dedupe_all(database: Database, project_id: int) -> DedupeReport:
    """Set the copies among new documents aside."""
    total = DedupeReport()
    while True:
        began = time.monotonic()
        with database.write() as session:
            found = dedupe(session, project_id)
        if not found.looked_at:
            return total
        total += found
        database.give_way(time.monotonic() - began)
