"""Where champion and gold differ, on both databases."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import differences
from backend.db.differences import Place, Wanted
from backend.db.gold import NewGold, put_gold
from backend.db.session import Database
from backend.db.tables import Document, GoldSource, Project, Version, now
from backend.db.tables_of_errors import DifferingDocument
from backend.workflow.review.compare_gold import begin, compare
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project, add_version

PS, LC = {"start": 0, "end": 1, "label": "PS"}, {"start": 0, "end": 1, "label": "LC"}
WIDER = {"start": 0, "end": 2, "label": "PS"}
ELSEWHERE = {"start": 3, "end": 4, "label": "LC"}
SAID = [[PS], [LC], [WIDER], [], [PS, ELSEWHERE]]  # of gold that is PS on the first character
CONFIDENCES = [0.9, 0.8, 0.7, 0.6, 0.95]


def said(documents: list[Document]) -> list[dict[str, object]]:
    """A prediction job's records."""
    return [
        {
            "id": str(document.id),
            "entities": [{**one, "probability": 0.9} for one in entities],
            "confidence": confidence,
        }
        for document, entities, confidence in zip(documents, SAID, CONFIDENCES, strict=True)
    ]


def compared(session: Session) -> tuple[Project, Version, list[Document]]:
    """A project of five documents with gold, four of which its version reads otherwise."""
    project = add_project(session)
    documents = add_documents(session, project, (f"김서 부산 {n}" for n in range(5)))
    for document in documents:
        add_gold(session, document)
    version = add_version(session, project)
    project.champion_id = version.id
    begin(session, project, version)
    assert compare(session, project, version, said(documents)) == 4
    return project, version, documents


def listed(session: Session, project: Project, wanted: Wanted, after: Place | None = None):
    found = differences.differing(session, project.id, wanted, after, 10)
    return [document.id for _, document in found]


def test_differences_are_found_by_kind_label_and_confidence(any_database: Database) -> None:
    with any_database.write() as session:
        project, version, (_, other, wider, none, more) = compared(session)
        assert differences.difference_counts(session, project.id) == {
            ("label", "PS"): 1,
            ("boundary", "PS"): 1,
            ("missed", "PS"): 1,
            ("spurious", "LC"): 1,
        }
        everything = [more.id, other.id, wider.id, none.id]  # the surest first
        assert listed(session, project, Wanted()) == everything
        assert listed(session, project, Wanted(kind="boundary")) == [wider.id]
        assert listed(session, project, Wanted(label="LC")) == [more.id]
        assert listed(session, project, Wanted(least=0.75)) == [more.id, other.id]
        assert listed(session, project, Wanted(), Place(0.8, other.id)) == [wider.id, none.id]
        kinds = differences.kinds_of(session, [more.id, none.id])
        assert kinds == {more.id: [("spurious", "LC")], none.id: [("missed", "PS")]}
        # looked at again nothing is there twice; another champion forgets it
        assert compare(session, project, version, said([_, other, wider, none, more])) == 4
        assert listed(session, project, Wanted()) == everything
        begin(session, project, add_version(session, project, "v2"))
        assert listed(session, project, Wanted()) == []


def test_gold_is_read_in_the_order_of_its_changes(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["가나", "다라", "마바", "가나"])
        for document in documents[:3]:
            add_gold(session, document)
        add_gold(session, documents[3], source=GoldSource.COPIED)
        add_gold(session, documents[0])  # changed: it comes last
        found = differences.gold_after(session, project.id, 0, 0, 10)
        assert [one.document.id for one in found] == [documents[n].id for n in (1, 2, 0)]
        last = found[0].gold
        rest = differences.gold_after(session, project.id, last.revision, last.document_id, 10)
        assert [one.document.id for one in rest] == [documents[n].id for n in (2, 0)]


def test_labels_that_the_version_never_learned_or_that_were_merged_are_no_errors(
    any_database: Database,
) -> None:
    with any_database.write() as session:
        project = add_project(session)
        (document,) = add_documents(session, project, ["김서 부산"])
        version = add_version(session, project)
        version.figures = {"labels": {"trained": ["PS"], "mapping": {"LC": "PS"}}}
        project.gold_revision += 1
        entities = [{"start": 0, "end": 1, "label": "LC"}]
        gold = NewGold(document.id, entities, GoldSource.PERSON, project.gold_revision, now())
        put_gold(session, project, [gold])
        begin(session, project, version)
        record = {"id": str(document.id), "entities": [PS], "confidence": 0.9}
        assert compare(session, project, version, [record]) == 0
        version.figures = {"labels": {"trained": ["PS"]}}
        record["entities"] = []
        assert compare(session, project, version, [record]) == 0
        assert session.scalars(select(DifferingDocument)).all() == []
