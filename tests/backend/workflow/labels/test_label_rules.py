import pytest

from backend.db.gold import NewGold, put_gold
from backend.db.session import Database
from backend.db.tables import GoldSource, Version, now
from backend.db.tables_of_labels import LabelMapping
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.labels.label_rules import make_rules, rules_of
from ml_backend.contract.entity import Entity
from tests.backend.workflow.loop_data import add_documents, add_project

PERSON, IMPORTED, RULE, COPIED = (
    GoldSource.PERSON,
    GoldSource.IMPORTED,
    GoldSource.RULE,
    GoldSource.COPIED,
)


@pytest.mark.parametrize(
    ("gold", "setting", "left_out"),
    [
        ({"A": 18_500, "B": 1499}, None, {}),  # 19,999 in all
        ({"A": 18_501, "B": 1499}, None, {"B": 1499}),
        ({"A": 18_500, "B": 1500}, None, {}),
        ({"A": 18_501, "B": 1499}, 0, {}),
        ({"A": 9, "B": 10}, 10, {"A": 9}),
        ({}, 1, {"A": 0, "B": 0}),
        ({"A": 1, "B": 1, "unknown": 20_000}, None, {}),
    ],
)
def test_labels_under_the_minimum_are_left_out(gold, setting, left_out):
    rules = make_rules(["A", "B"], LabelMap(), gold, setting)
    assert rules.left_out == left_out
    assert set(rules.labels) == {"A", "B"} - left_out.keys()


def test_support_is_counted_once_labels_are_merged():
    mapping = LabelMap().merge("GOV", "ORG").rename("PS", "PERSON")
    rules = make_rules(["PS", "GOV", "ORG"], mapping, {"PS": 5, "GOV": 6, "ORG": 5}, 10)
    assert rules.support == {"PERSON": 5, "ORG": 11}
    assert (rules.labels, rules.left_out) == (("ORG",), {"PERSON": 5})
    entities = [Entity(0, 1, "PS"), Entity(1, 2, "GOV")]
    assert rules.apply(entities) == [Entity(0, 1, "PERSON"), Entity(1, 2, "ORG")]
    assert rules.trained(entities) == [Entity(1, 2, "ORG")]


def test_the_order_of_labels_is_the_projects():
    rules = make_rules(["B", "A", "C"], LabelMap().merge("C", "B"), {"A": 9}, None)
    assert rules.labels == ("B", "A")


def test_a_suggestion_is_made_where_the_rule_is_off_and_was_not_switched_off():
    gold = {"A": 900, "B": 49}
    assert "B (49)" in make_rules(["A", "B"], LabelMap(), gold, None).suggestion
    assert make_rules(["A", "B"], LabelMap(), gold, 0).suggestion == ""
    assert make_rules(["A", "B"], LabelMap(), {"A": 900, "B": 50}, None).suggestion == ""
    assert make_rules(["A", "B"], LabelMap(), {"A": 30_000, "B": 4}, None).suggestion == ""
    assert make_rules(["A", "B"], LabelMap(), {"A": 3}, None).suggestion == ""


def test_a_smaller_label_set_holds_until_a_person_annotates_the_document():
    rules = make_rules(["A", "B"], LabelMap(), {}, None)
    assert rules.not_annotated(["B"], 1, IMPORTED) == {"B"}
    assert rules.not_annotated(["B"], 2, PERSON) == frozenset()
    assert rules.not_annotated(None, 1, IMPORTED) == frozenset()


def test_a_label_that_was_added_is_not_annotated_in_gold_of_before():
    rules = make_rules(["A", "B"], LabelMap(), {}, None, since={"B": 7})
    for source in GoldSource:
        assert rules.not_annotated(None, 7, source) == {"B"}
        assert rules.not_annotated(None, 8, source) == frozenset()


def test_what_a_version_did_not_know_is_not_annotated_in_gold_made_by_it():
    known_to = {"v1": frozenset({"A"}), "v2": frozenset({"A", "B"})}
    rules = make_rules(["A", "B"], LabelMap(), {}, None, known_to=known_to)
    for source in (RULE, COPIED):
        assert rules.not_annotated(["A"], 9, source, "v1") == {"B"}
        assert rules.not_annotated(["A"], 9, source, "v2") == frozenset()
        assert rules.not_annotated(None, 9, source, "older than the rules") == frozenset()


def test_a_merged_label_is_annotated_where_each_part_is_and_a_renamed_one_under_either_name():
    merged = make_rules(["A", "B"], LabelMap().merge("A", "B"), {}, None)
    assert merged.not_annotated(["A"], 1, IMPORTED) == {"B"}
    renamed = make_rules(["A", "B"], LabelMap().rename("A", "B"), {}, None, since={"B": 5})
    assert renamed.not_annotated(None, 1, IMPORTED) == frozenset()
    assert renamed.not_annotated(["A"], 1, IMPORTED) == {"B"}
    assert renamed.not_annotated(["A"], 6, IMPORTED) == frozenset()


def test_the_rules_of_a_project_are_read_from_its_counts_mappings_and_versions(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session, min_support=3)  # labels PS, LC
        documents = add_documents(session, project, ["글 하나", "글 둘"])
        two = [{"start": n, "end": n + 1, "label": "PS"} for n in range(2)]
        put_gold(
            session,
            project,
            [NewGold(one.id, two, GoldSource.IMPORTED, 1, now()) for one in documents],
        )
        labels = {"trained": ["PERSON"], "mapping": {"PS": "PERSON"}, "left_out": {"LC": 0}}
        session.add(Version(project_id=project.id, name="v1", figures={"labels": labels}))
        project.label_since = {"LC": 4}
        session.flush()
        before = rules_of(session, project)
        for number, name in enumerate(("PERSON", "인물"), start=1):
            session.add(
                LabelMapping(
                    project_id=project.id,
                    number=number,
                    mapping={"PS": name},
                    names={"PS": name},
                    made_by="a test",
                )
            )
        session.flush()
        rules = rules_of(session, project)
    assert (before.support, before.labels) == ({"PS": 4, "LC": 0}, ("PS",))
    assert (rules.support, rules.left_out) == ({"인물": 4, "LC": 0}, {"LC": 0})
    assert rules.not_annotated(None, 4, PERSON) == {"LC"}
    assert rules.not_annotated(None, 9, RULE, "v1") == {"LC"}
