"""A curator looks through the autolabel queue: filters, order, and pages that miss nothing."""

import pytest

from backend.db import autolabel_queue
from backend.db.autolabel_queue import Place, Reason, Wanted, find
from backend.db.tables import Part
from backend.db.tables_of_autolabel import Audit, Autolabel, AutolabelState
from backend.workflow.autolabels import moves
from backend.workflow.autolabels.items import Proposal, move
from tests.backend.workflow.autolabels.test_items import TIME, item, put, said, texts
from tests.backend.workflow.loop_data import add_documents, add_project, add_version


@pytest.fixture
def session(any_database):
    with any_database.write() as session:
        yield session


@pytest.fixture
def queue(session):
    """A project and 24 pending documents; some are equally sure, every third names a place."""
    project = add_project(session)
    documents = add_documents(session, project, texts(24))
    version = add_version(session, project)
    proposals = [
        said(one, 0.5 + n // 2 / 40, "장소/LC" if n % 3 == 0 else "PS")
        for n, one in enumerate(documents)
    ]
    put(session, project, version, None, [*proposals[:-1], Proposal(documents[-1].id, [], 0.99)])
    return project, documents


def walk(session, project, wanted: Wanted, limit: int = 5) -> list[int]:
    """Every page, one after the other, as addresses name them."""
    found: list[int] = []
    after: Place | None = None
    while True:
        page = find(session, project.id, wanted, after=after, limit=limit)
        assert len(page.rows) <= limit
        found += [row.document_id for row in page.rows]
        if page.next is None:
            return found
        after = Place.read(str(page.next))


@pytest.mark.parametrize("surest_first", [True, False])
def test_pages_go_on_where_the_last_one_ended(session, queue, surest_first):
    project, documents = queue
    found = walk(session, project, Wanted(surest_first=surest_first))
    key = {one.id: (item(session, one).confidence, one.id) for one in documents}
    assert found == sorted(key, key=key.__getitem__, reverse=surest_first)


def test_filters_by_confidence_label_and_state(session, queue):
    project, documents = queue
    between = walk(session, project, Wanted(least=0.55, most=0.6))
    assert sorted(between) == [one.id for one in documents[4:10]]
    places = walk(session, project, Wanted(label="장소/LC"))
    assert sorted(places) == [one.id for one in documents[::3]]
    assert walk(session, project, Wanted(label="장소")) == []
    assert walk(session, project, Wanted(state=AutolabelState.SENT)) == []


def test_a_rare_label_is_looked_for_further_on(session, queue, monkeypatch):
    project, documents = queue
    monkeypatch.setattr(autolabel_queue, "LOOKED_AT", 4)
    wanted = Wanted(label="장소/LC", most=0.9)
    first = find(session, project.id, wanted, limit=5)
    assert (len(first.rows), first.next) == (
        1,
        Place(item(session, documents[19]).confidence, documents[19].id),
    )
    assert sorted(walk(session, project, wanted)) == [one.id for one in documents[::3]]


def test_filters_by_the_reason_why_an_item_waits(session):
    project = add_project(session)
    sure, unsure = add_documents(session, project, texts(2))
    random, near = add_documents(session, project, [*texts(1, random=True), *texts(1, first=900)])
    random.near_id = near.near_id = random.id
    judging = add_documents(session, project, texts(1, first=2000))[0]
    judging.part = Part.GATE
    version = add_version(session, project)
    proposals = [said(one, 0.9) for one in (sure, random, near, judging)]
    put(session, project, version, None, [*proposals, said(unsure, 0.2)])
    given = {"threshold": 0.5, "border": "2666"}
    assert walk(session, project, Wanted(reason=Reason.UNSURE, **given)) == [unsure.id]
    chance = walk(session, project, Wanted(reason=Reason.CHANCE, **given))
    assert sorted(chance) == [random.id, near.id, judging.id]
    assert walk(session, project, Wanted(**given)) == [sure.id, unsure.id]
    nothing_promised = Wanted(reason=Reason.UNSURE, border="2666")
    assert walk(session, project, nothing_promised) == [sure.id, unsure.id]


def test_filters_by_who_decided(session, queue):
    project, documents = queue
    by_curator, by_people, blind = documents[:3]
    moves.reject(session, project, [by_curator.id], "curator@example.com", TIME)
    for document, audit in ((by_people, None), (blind, Audit.WRONG)):
        its = session.get(Autolabel, document.id)
        its.state, its.changed_by, its.audit = AutolabelState.REJECTED, "people", audit
    session.flush()
    rejected = AutolabelState.REJECTED
    assert walk(session, project, Wanted(rejected, reason=Reason.CURATOR)) == [by_curator.id]
    assert walk(session, project, Wanted(rejected, reason=Reason.PEOPLE)) == [by_people.id]
    assert walk(session, project, Wanted(rejected, reason=Reason.BLIND)) == [blind.id]
    assert walk(session, project, Wanted(None, audit=Audit.WRONG)) == [blind.id]


def test_an_address_that_names_no_place_begins_at_the_first_page():
    assert Place.read("0.25_7") == Place(0.25, 7)
    for written in ("", "_", "a_1", "0.5", "0.5_x"):
        assert Place.read(written) is None


def test_what_was_said_of_the_last_change_is_told(session, queue):
    _, documents = queue
    first, second, *_ = (session.get(Autolabel, one.id) for one in documents)
    move(session, first, AutolabelState.RECALLED, "promise 1", TIME, "it was contradicted")
    move(session, second, AutolabelState.RECALLED, "promise 1", TIME, "it was contradicted")
    move(session, second, AutolabelState.REJECTED, "curator@example.com", TIME)
    session.flush()
    ids = [one.id for one in documents]
    assert autolabel_queue.last_reasons(session, ids) == {first.document_id: "it was contradicted"}
