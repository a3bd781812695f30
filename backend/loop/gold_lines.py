"""The gold of this moment, page by page: whoever downloads it slowly holds up nobody."""

from collections.abc import Iterator

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.workflow.release import gold_page, gold_rules, line_of


def gold_lines(database: Database, project_key: str) -> Iterator[bytes]:
    """A project's gold, a line a document, verified; no transaction outlives a page of it.

    Raises NotFoundError, and what `gold_page` raises of the first page, before the first line.
    """
    with database.read() as session:
        project = project_by_key(session, project_key)
        project_id, rules = project.id, gold_rules(session, project)
        first = gold_page(session, project_id, rules, after=0)

    def lines() -> Iterator[bytes]:
        page = first
        while page:
            yield from map(line_of, page)
            with database.read() as session:
                page = gold_page(session, project_id, rules, after=page[-1].document_id)

    return lines()
