import pytest

from backend.db.gold import NewGold, put_gold
from backend.db.gold_labels import names_of_documents_with
from backend.db.session import Database
from backend.db.tables import GoldSource, Project, now
from backend.errors import InvalidInputError
from backend.workflow.labels import map_labels
from backend.workflow.labels.label_rules import rules_of
from backend.workflow.labels.what_if import what_if
from tests.backend.workflow.loop_data import add_documents, add_project

HELD = [["PS", "PS", "LC"], ["PS"], ["LC", "OG"], ["OG"], []]  # the labels of each document


@pytest.fixture
def filled(any_database: Database) -> Database:
    with any_database.write() as session:
        project = add_project(session)
        project.labels = ["PS", "LC", "OG", "인물"]
        documents = add_documents(session, project, [f"글 {n}" for n in range(len(HELD))])
        golds = [
            NewGold(
                document.id,
                [{"start": n, "end": n + 1, "label": label} for n, label in enumerate(labels)],
                GoldSource.IMPORTED,
                number,
                now(),
            )
            for number, (document, labels) in enumerate(zip(documents, HELD, strict=True))
        ]
        put_gold(session, project, golds)
    return any_database


def ask(database: Database, **given):
    with database.read() as session:
        return what_if(session, session.get_one(Project, 1), **given)


def changes(found) -> dict[str, tuple]:
    return {
        one.label: (one.before, one.after, one.entities, one.documents) for one in found.changes
    }


def test_nothing_asked_is_nothing_changed(filled):
    found = ask(filled)
    assert (found.changes, found.entities, found.documents) == ((), 0, 0)
    assert found.trained == {"PS": 3, "LC": 2, "OG": 2, "인물": 0}


def test_a_minimum_leaves_labels_out_and_a_document_that_holds_two_is_one(filled):
    found = ask(filled, min_support=3)
    assert changes(found) == {
        "LC": ("LC", None, 2, 2),
        "OG": ("OG", None, 2, 2),
        "인물": ("인물", None, 0, 0),
    }
    assert (found.entities, found.documents) == (4, 3)
    assert (found.trained, found.left_out) == ({"PS": 3}, {"LC": 2, "OG": 2, "인물": 0})


def test_what_is_merged_is_counted_together(filled):
    found = ask(filled, min_support=3, merges=[("LC", "OG")])
    assert changes(found) == {"LC": ("LC", "OG", 2, 2), "인물": ("인물", None, 0, 0)}
    assert (found.entities, found.documents) == (2, 2)
    assert found.trained == {"PS": 3, "OG": 4}


def test_a_new_name_changes_what_bore_the_old_one(filled):
    found = ask(filled, renames=[("PS", "PERSON")], merges=[("인물", "PS")])
    assert changes(found) == {"PS": ("PS", "PERSON", 3, 2), "인물": ("인물", "PERSON", 0, 0)}
    assert found.to_dict()["documents"] == 2


def test_what_cannot_be_is_refused_and_nothing_is_kept(filled):
    with pytest.raises(InvalidInputError, match="has that name"):
        ask(filled, merges=[("PS", "PS")])
    with filled.read() as session:
        assert rules_of(session, session.get_one(Project, 1)).mapping.targets == {}


def test_what_is_foretold_is_what_comes(filled):
    foretold = ask(filled, min_support=3, merges=[("LC", "OG")])
    with filled.write() as session:
        project = session.get_one(Project, 1)
        map_labels.merge(session, project, "LC", "OG", by="a test")
        project.settings = {"min_support": 3}
        rules = rules_of(session, project)
        assert {label: rules.support[label] for label in rules.labels} == foretold.trained
        assert rules.left_out == foretold.left_out


def test_the_documents_can_be_named(filled):
    with filled.read() as session:
        found = names_of_documents_with(session, 1, ["LC", "OG"], 2)
    assert [name[:6] for name in found] == ["000000", "000002"]


def test_where_it_need_not_be_exact_no_gold_is_read_and_the_most_is_told(filled):
    exact, quick = (ask(filled, min_support=4, exactly=exactly) for exactly in (True, False))
    assert (exact.documents, exact.at_most) == (4, False)
    assert (quick.documents, quick.at_most) == (6, True)
    assert quick.changes == exact.changes
    one = ask(filled, renames=[("PS", "사람")], exactly=False)
    assert (one.documents, one.at_most) == (2, False)
