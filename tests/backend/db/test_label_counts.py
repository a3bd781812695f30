"""Whatever is written, in whatever order: the counts that are kept are those of a recount."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from backend.commands.db import downgrade_database, upgrade_database
from backend.commands.verify import verify as verify_group
from backend.db.document_counts import recount_documents
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.label_counts import label_counts
from backend.db.label_recount import differences, recount
from backend.db.session import Database, connect
from backend.db.tables import AnnotationStatus, Document, DocumentCount, Gold, GoldSource, now
from backend.db.versions import locked_project
from backend.loop.copies import sort_copies
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.gold.origins import SeenAnnotation
from backend.workflow.gold.record import record_deletion, record_state
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.ready_documents import chunks
from backend.workflow.preannotate import store
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from tests.backend.workflow.loop_data import add_documents, add_project, add_version, open_tasks
from tests.conftest import settings_in

LABELS = ("PS", "LC")
TEXTS = ("김씨는 간다", "박씨는 온다", "김씨는 간다", "이씨는 잔다")
START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count()

entities = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(LABELS)), max_size=3, unique_by=lambda e: e[0]
)
documents = st.integers(0, len(TEXTS) - 1)
versions = st.integers(0, 1)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("gold"), documents, entities),
        st.tuples(st.just("withdraw"), documents),
        st.tuples(st.just("predict"), documents, versions, entities),
        st.tuples(st.just("annotate"), documents, st.integers(1, 3), st.booleans(), entities),
        st.tuples(st.just("delete"), st.integers(1, 3)),
        st.tuples(st.just("import"), st.sampled_from(TEXTS), entities),
        st.tuples(st.just("sort")),
    ),
    max_size=12,
)


def records(found: list[tuple[int, str]]) -> list[dict[str, object]]:
    return [{"start": at, "end": at + 1, "label": label} for at, label in sorted(found)]


class Writer:
    """One project and every way to write what is counted."""

    def __init__(self, database: Database):
        self.database, self.minute = database, 0
        with database.write() as session:
            project = add_project(session, f"p{next(_numbers)}")
            made = add_documents(session, project, TEXTS)
            open_tasks(made, first=project.id * 100)
            self.project, self.documents = project.id, [document.id for document in made]
            recount_documents(session, project.id)  # these were made past every door
            self.versions = [add_version(session, project, name).id for name in ("v1", "v2")]

    def gold(self, document, found):
        with self.database.write() as session:
            project = locked_project(session, self.project)
            project.gold_revision += 1
            given = NewGold(
                self.documents[document],
                records(found),
                GoldSource.PERSON,
                project.gold_revision,
                now(),
            )
            put_gold(session, project, [given])

    def withdraw(self, document):
        with self.database.write() as session:
            locked_project(session, self.project)
            remove_gold(session, self.project, [self.documents[document]])

    def predict(self, document, version, found):
        record = {"id": self.documents[document], "entities": records(found), "confidence": 0.5}
        with self.database.write() as session:
            store(session, self.versions[version], [record], [self.documents[document]])

    def annotate(self, document, number, skipped, found):
        self.minute += 1
        regions = [
            {
                "type": "labels",
                "from_name": "label",
                "to_name": "text",
                "value": {"start": e["start"], "end": e["end"], "labels": [e["label"]]},
            }
            for e in records(found)
        ]
        with self.database.write() as session:
            its = session.get_one(Document, self.documents[document])
            seen = SeenAnnotation(
                number=number,
                task=its.task_id or 0,
                created_at=START,
                updated_at=START + timedelta(minutes=self.minute),
                status=AnnotationStatus.SKIPPED if skipped else AnnotationStatus.SUBMITTED,
                regions=regions,
                lead_time=None,
                user=None,
                email=None,
                version_name="v1",
                predicted_regions=[],
            )
            record_state(session, its, seen, alive=True)

    def delete(self, number):
        with self.database.write() as session:
            record_deletion(session, self.project, number)

    def import_(self, text, found):
        read = [Entity(e["start"], e["end"], e["label"]) for e in records(found)]
        record = DocumentRecord("f", 1, text, entities=read)
        for chunk in chunks([record], LabelSet(LABELS)):
            with self.database.write() as session:
                import_lines(session, self.project, chunk.ready, "train")

    def sort(self):
        sort_copies(self.database, self.project)

    def differences(self):
        with self.database.read() as session:
            return differences(session, self.project)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=writes)
def test_counts_are_those_of_a_recount(any_database, written):
    writer = Writer(any_database)
    for name, *arguments in written:
        getattr(writer, "import_" if name == "import" else name)(*arguments)
    assert writer.differences() == []


@pytest.fixture
def writer(any_database):
    made = Writer(any_database)
    made.gold(0, [(0, "PS"), (1, "PS"), (3, "LC")])
    made.predict(1, 0, [(0, "PS")])
    made.annotate(1, 1, False, [(0, "PS"), (3, "LC")])
    return made


def counts(writer):
    with writer.database.read() as session:
        return {
            (row.kind, row.version_id, row.label): (row.entities, row.documents)
            for row in label_counts(session, writer.project)
        }


def test_entities_and_documents_are_counted_by_kind_and_version(writer):
    assert counts(writer) == {
        ("gold", 0, "PS"): (3, 2),
        ("gold", 0, "LC"): (2, 2),
        ("prediction", writer.versions[0], "PS"): (1, 1),
        ("correction", 0, "LC"): (1, 1),  # PS was predicted
    }


def test_a_prediction_that_is_there_already_is_not_counted_again(writer):
    before = counts(writer)
    writer.predict(1, 0, [(0, "PS"), (1, "LC")])
    assert counts(writer) == before


def test_what_went_past_the_door_is_found_and_set_right(writer):
    with writer.database.write() as session:
        session.execute(delete(Gold).where(Gold.document_id == writer.documents[0]))
    found = writer.differences()
    assert [(one.key.label, one.kept, one.counted) for one in found] == [
        ("LC", (2, 2), (1, 1)),
        ("PS", (3, 2), (1, 1)),
    ]
    with writer.database.write() as session:
        assert recount(session, writer.project) == found
    assert writer.differences() == []


def test_the_command_tells_and_mends(database, settings, monkeypatch):
    writer = Writer(database)
    writer.gold(0, [(0, "PS")])
    with database.read() as session:
        key = locked_project(session, writer.project).key
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))

    def verify(*options):
        return CliRunner().invoke(verify_group, ["counts", key, *options])

    assert verify().exit_code == 0
    with database.write() as session:
        session.execute(update(Gold).values(entities=records([(0, "LC")])))
        session.execute(update(DocumentCount).values(documents=7))
    told = verify()
    assert told.exit_code == 1
    assert "gold, 'PS': 1 entities in 1 documents are kept, 0 in 0 are there" in told.output
    assert "documents, person: 7 are kept, 1 are there" in told.output
    assert verify("--mend").exit_code == 0
    assert verify().exit_code == 0


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def test_the_migration_counts_what_is_there(kind, request, tmp_path: Path):
    url = request.getfixturevalue("postgresql").create() if kind == "postgresql" else ""
    settings = settings_in(tmp_path, database_url=url)
    upgrade_database(settings)
    database = connect(settings.database_address)
    writer = Writer(database)
    writer.gold(0, [(0, "PS"), (3, "LC")])
    writer.gold(1, [])
    writer.predict(0, 1, [(0, "PS"), (1, "PS")])
    before = counts(writer)
    database.engine.dispose()
    downgrade_database(settings, "0003")
    upgrade_database(settings)
    assert counts(writer) == before
    assert writer.differences() == []
    database.engine.dispose()


def test_nothing_is_inserted_when_there_is_nothing(any_database):
    with any_database.write() as session:
        project = add_project(session)
        put_gold(session, project, [])
        assert remove_gold(session, project.id, [1, 2]) == 0
