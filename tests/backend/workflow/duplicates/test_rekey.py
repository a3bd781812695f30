"""A project that begins or ceases to fold case: keys, copies, roles and decisions follow."""

import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Arm, Document, Part, Project
from backend.db.tables_of_labels import Adjudication
from backend.loop.copies import sort_copies
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.duplicates.rekey import folding_wanted, rekey
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.groups import GoldAs
from backend.workflow.imports.ready_documents import chunks
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from tests.backend.workflow.loop_data import LABELS, add_project

TEXTS = ("LG는", "lg는", "Lg는", "다른 글")


@pytest.fixture
def project(any_database: Database) -> int:
    with any_database.write() as session:
        project_id = add_project(session).id
    bring(any_database, project_id, TEXTS)
    sort_copies(any_database, project_id)
    return project_id


def bring(
    database: Database,
    project_id: int,
    texts: tuple[str, ...],
    gold: GoldAs | None = None,
    *,
    casefold: bool = False,
) -> None:
    entities = None if gold is None else [Entity(0, 1, "PS")]
    records = [DocumentRecord("f", n, text, entities=entities) for n, text in enumerate(texts)]
    for chunk in chunks(records, LabelSet(tuple(LABELS)), casefold=casefold):
        with database.write() as session:
            import_lines(session, project_id, chunk.ready, gold, casefold=casefold)


def fold(database: Database, project_id: int, folded: bool) -> None:
    with database.write() as session:
        session.get_one(Project, project_id).settings = {"casefold": folded}


def documents(database: Database) -> list[Document]:
    with database.read() as session:
        return list(session.scalars(select(Document).order_by(Document.id)))


def test_copies_are_found_when_case_is_folded_and_let_go_when_it_is_not(
    any_database: Database, project: int
) -> None:
    before = [(one.group_key, one.canonical_id) for one in documents(any_database)]
    assert {canonical for _, canonical in before} == {None}
    fold(any_database, project, True)
    assert sort_copies(any_database, project).copies == 2
    first, *others = documents(any_database)
    assert first.group_key == group_key("LG는", casefold=True)
    assert [one.canonical_id for one in others] == [first.id, first.id, None]

    fold(any_database, project, False)
    sort_copies(any_database, project)
    assert [(one.group_key, one.canonical_id) for one in documents(any_database)] == before


def test_groups_that_fall_together_keep_the_most_secret_role(
    any_database: Database, project: int
) -> None:
    bring(any_database, project, ("kt는",), "train")
    bring(any_database, project, ("Kt는",), None)
    bring(any_database, project, ("KT는",), "train")
    with any_database.write() as session:
        last = session.scalars(select(Document).order_by(Document.id.desc()).limit(1)).one()
        last.arm, last.part = Arm.RANDOM, Part.TEST
    fold(any_database, project, True)
    sort_copies(any_database, project)
    roles = {(one.arm, one.part) for one in documents(any_database)[-3:]}
    assert roles == {(Arm.RANDOM, Part.TEST)}


def test_what_stops_half_way_is_done_by_the_next(any_database: Database, project: int) -> None:
    fold(any_database, project, True)
    with any_database.write() as session:
        last = rekey(session, project, after=0, limit=1)
    assert last == documents(any_database)[0].id
    with any_database.read() as session:
        assert folding_wanted(session, project) is True
    assert sort_copies(any_database, project).copies == 2
    with any_database.read() as session:
        assert folding_wanted(session, project) is None


def test_decisions_follow_their_documents(any_database: Database, project: int) -> None:
    first = documents(any_database)[0]
    with any_database.write() as session:
        session.add(
            Adjudication(
                project_id=project,
                group_key=first.group_key,
                document_id=first.id,
                entities=[],
                made_by="curator@example.com",
            )
        )
    fold(any_database, project, True)
    sort_copies(any_database, project)
    with any_database.read() as session:
        keys = session.scalars(select(Adjudication.group_key)).all()
    assert keys == [group_key("LG는", casefold=True)]


def test_an_import_that_began_before_writes_the_keys_in_force(
    any_database: Database, project: int
) -> None:
    fold(any_database, project, True)
    sort_copies(any_database, project)
    bring(any_database, project, ("lG는",), casefold=False)
    sort_copies(any_database, project)
    first, *_, last = documents(any_database)
    assert (last.group_key, last.canonical_id) == (first.group_key, first.id)
