"""Whatever is written, in whatever order: documents by state are those of a recount."""

from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.commands.db import downgrade_database, upgrade_database
from backend.db.document_counts import (
    DocumentCounts,
    count_documents,
    wrongly_counted,
)
from backend.db.session import connect
from backend.db.tables import Document
from backend.db.versions import locked_project
from backend.workflow.duplicates.rekey import rekey
from backend.workflow.label_studio.tasks import forget_project, forget_task
from tests.backend.db.test_label_counts import Writer, writes
from tests.conftest import settings_in

more_writes = st.lists(
    st.sampled_from([("forget task", 0), ("forget task", 1), ("forget project",), ("rekey",)]),
    max_size=3,
)


class Counter(Writer):
    """The writer of labels, and what changes documents besides."""

    def forget_task(self, document):
        with self.database.write() as session:
            locked_project(session, self.project)
            forget_task(session, session.get_one(Document, self.documents[document]))

    def forget_project(self):
        with self.database.write() as session:
            forget_project(session, locked_project(session, self.project))

    def rekey(self):
        with self.database.write() as session:
            rekey(session, self.project, 0, folded=True)

    def write(self, name, *arguments):
        method = "import_" if name == "import" else name.replace(" ", "_")
        getattr(self, method)(*arguments)

    def wrong(self):
        with self.database.read() as session:
            return wrongly_counted(session, self.project)

    def counts(self):
        with self.database.read() as session:
            found = count_documents(session, [self.project])[self.project]
        return {state: number for state, number in asdict(found).items() if number}


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=writes, then=more_writes, last=writes)
def test_counts_are_those_of_a_recount(any_database, first, then, last):
    counter = Counter(any_database)
    for write in (*first, *then, *last):
        counter.write(*write)
        assert counter.wrong() == {}, write


def test_documents_are_counted_once_each_by_what_matters_most(any_database):
    counter = Counter(any_database)
    assert counter.counts() == {"open": 3, "copies": 1}
    counter.gold(0, [(0, "PS")])
    counter.annotate(1, 1, True, [])
    counter.import_("최씨는 본다", [(0, "PS")])
    counter.forget_task(3)
    assert counter.counts() == {"person": 1, "skipped": 1, "imported": 1, "deleted": 1, "copies": 1}
    with any_database.read() as session:
        found = count_documents(session, [counter.project])[counter.project]
    assert (found.total, found.gold) == (5, 2)


def test_a_project_without_documents_counts_none(any_database):
    with any_database.read() as session:
        assert count_documents(session, [7]) == {7: DocumentCounts()}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def test_the_migration_counts_what_is_there(kind, request, tmp_path: Path):
    url = request.getfixturevalue("postgresql").create() if kind == "postgresql" else ""
    settings = settings_in(tmp_path, database_url=url)
    upgrade_database(settings)
    counter = Counter(connect(settings.database_address))
    counter.gold(0, [(0, "PS")])
    counter.annotate(1, 1, True, [])
    before = counter.counts()
    downgrade_database(settings, "0010")
    upgrade_database(settings)
    assert counter.counts() == before
    with counter.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM document_counts")) == len(before)
    counter.database.engine.dispose()
