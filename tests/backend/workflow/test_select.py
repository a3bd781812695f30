from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.db import pool
from backend.db.session import Database
from backend.db.tables import Arm, Document, Part, Project
from backend.settings import ProjectSettings
from backend.workflow import select
from tests.backend.workflow.loop_data import (
    add_documents,
    add_gold,
    add_prediction,
    add_project,
    add_score,
    add_version,
)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_lower_queue_number_is_a_lower_score_in_the_open_interval(left, right):
    assert 0 < select.place(left) < 1
    assert (left < right) == (select.place(left) < select.place(right))
    assert select.queue_number_at(select.place(left)) == left


def test_the_part_of_a_group_is_permanent_and_the_shares_are_as_designed():
    keys = [f"{number:064x}" for number in range(20000)]
    parts = Counter(select.part_of(key) for key in keys)
    assert [select.part_of(key) for key in keys[:100]] == [select.part_of(k) for k in keys[:100]]
    assert parts[Part.TRAIN] == 0
    for part, share in select.HELD_OUT:
        assert parts[part] / len(keys) == pytest.approx(share, abs=0.015)


@given(
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(1, 500),
    st.sampled_from([0.0, 0.15, 0.5, 1]),
)
def test_interleaving_keeps_everything_and_both_orders(ranked, drawn, first, share):
    left, right = list(range(ranked)), [-1 - number for number in range(drawn)]
    mixed = select.interleave(left, right, first=first, share=share)
    assert [item for item in mixed if item >= 0] == left
    assert [item for item in mixed if item < 0] == right


def test_the_random_arm_comes_evenly_across_rounds():
    numbers = []
    for first in range(1, 401, 40):  # ten rounds of forty
        mixed = select.interleave(["k"] * 34, ["r"] * 6, first=first, share=0.15)
        numbers += mixed
    gaps = "".join(numbers).strip("k").split("r")
    assert numbers.count("r") == 60
    assert max(map(len, gaps[1:-1])) <= 7


def test_the_least_confident_come_first_and_the_random_arm_between_them(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, random_share=0.25)
        version = add_version(session, project)
        for number, document in enumerate(add_documents(session, project, map(str, range(200)))):
            add_prediction(session, document, version, (number * 37 % 200) / 200)
        chosen = select.select(session, project, version.id, 40)
        kept = pool.confidences(session, version.id, [document.id for document in chosen])

    border = select.random_border(0.25)
    ranked = [document for document in chosen if document.arm == Arm.RANKED]
    drawn = [document for document in chosen if document.arm == Arm.RANDOM]
    assert [document.queue_number for document in chosen] == list(range(1, 41))
    assert [document.id for document in chosen if document.part == Part.TRAIN] == [
        document.id for document in ranked
    ]
    assert len(drawn) == 10
    assert all(document.group_key < border for document in drawn)
    assert all(document.part == select.part_of(document.group_key) for document in drawn)
    sure = [kept[document.id] for document in ranked]
    assert sure == sorted(sure)
    with any_database.read() as session:
        left = pool.ranked_pool(session, project.id, version.id, below=border, limit=1)
    assert kept[ranked[-1].id] <= pool_confidence(any_database, left[0], version.id)


def pool_confidence(database: Database, document: Document, version_id: int) -> float:
    with database.read() as session:
        return pool.confidences(session, version_id, [document.id])[document.id]


def test_what_is_chosen_is_never_chosen_again_and_gold_and_copies_never(any_database: Database):
    texts = [str(number) for number in range(60)] + ["0", "1"]
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, texts)
        add_gold(session, documents[5])
        first = select.select(session, project, None, 30)
        second = select.select(session, project, None, 100)
    chosen = [document.id for document in (*first, *second)]
    assert len(chosen) == len(set(chosen)) == 59
    assert documents[5].id not in chosen
    assert not {documents[60].id, documents[61].id} & set(chosen)
    assert project.last_queue_number == 59


def test_what_has_left_the_pool_since_it_was_ranked_makes_room(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, random_share=0.0)
        version = add_version(session, project)
        documents = add_documents(session, project, "abcde")
        for number, document in enumerate(documents):
            add_prediction(session, document, version, number / 5)
        add_gold(session, documents[3])
        session.flush()
        best = [documents[number].id for number in (4, 3, 2)]
        chosen = select.select(session, project, version.id, 3, best, candidates=5)
    assert [document.text for document in chosen] == ["e", "c", "a"]


def test_a_copy_shares_arm_and_part_of_its_group(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, random_share=0.5)
        documents = add_documents(session, project, [*map(str, range(40)), *map(str, range(40))])
        select.select(session, project, None, 40)
    with any_database.read() as session:
        for original, copy in zip(documents[:40], documents[40:], strict=True):
            original, copy = session.get(Document, original.id), session.get(Document, copy.id)
            assert original.part is not None
            assert (original.arm, original.part) == (copy.arm, copy.part)


def test_a_part_once_given_stays(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, random_share=1.0)
        documents = add_documents(session, project, ["a", "a"])
        documents[1].part, documents[1].arm = Part.TEST, Arm.RANDOM
        chosen = select.select(session, project, None, 1)
    assert [document.part for document in chosen] == [Part.TEST]


def test_nothing_is_added_until_a_twentieth_is_used_up():
    settings = ProjectSettings(open_tasks=2000)
    assert select.missing_tasks(1901, settings) == 0
    assert select.missing_tasks(1900, settings) == 100
    assert select.missing_tasks(2500, settings) == 0
    assert select.missing_tasks(9, ProjectSettings(open_tasks=10)) == 1


def test_the_candidates_are_bounded_and_not_asked_for_twice(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        version = add_version(session, project)
        add_documents(session, project, map(str, range(600)))
        candidates = select.candidates_to_predict(session, project, version.id, 10)
        assert len(candidates) == 500
        for document in candidates:
            add_prediction(session, document, version, 0.5)
        session.flush()  # a version's confidence alone is not what the strategies rank by
        assert select.candidates_to_predict(session, project, version.id, 10) == candidates
        for document in candidates:
            add_score(session, document, version)
        session.flush()
        assert select.candidates_to_predict(session, project, version.id, 10) == []
    assert isinstance(project, Project)


def test_near_copies_are_of_one_arm_and_one_part_and_all_are_shown_in_the_end(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session, random_share=0.3)
        documents = add_documents(session, project, map(str, range(90)))
        for document in documents[30:]:  # groups of three
            document.near_id = documents[30 + (document.id - documents[30].id) // 3 * 3].id
        session.flush()
        shown = []
        for _ in range(6):
            shown += select.select(session, project, None, 15)
    border = select.random_border(0.3)
    assert sorted(document.id for document in shown) == [document.id for document in documents]
    oldest = {document.id: document for document in documents}
    with any_database.read() as session:
        found = [session.get_one(Document, document.id) for document in documents]
    by_group: dict[int, set[tuple[str | None, str | None]]] = {}
    for document in found:
        by_group.setdefault(document.near_id or document.id, set()).add(
            (document.arm, document.part)
        )
    for first, roles in by_group.items():
        ((arm, part),) = roles
        assert (arm == Arm.RANDOM) == (oldest[first].group_key < border) == (part != Part.TRAIN)
    ranked = [one for one in shown[:45] if one.group_key >= border]
    assert all(
        oldest[one.near_id or one.id].group_key >= border for one in ranked if one.near_id
    )  # what speaks for a held-out group is not ranked while there is anything else


def test_of_near_copies_one_is_shown_before_the_others(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, random_share=0.0)
        version = add_version(session, project)
        documents = add_documents(session, project, map(str, range(40)))
        for number, document in enumerate(documents):
            add_prediction(session, document, version, number / 40)
            if number < 5:
                document.near_id = documents[0].id
        session.flush()
        chosen = select.select(session, project, version.id, 7)
        assert [document.id for document in chosen] == [
            document.id for document in (documents[0], *documents[5:11])
        ]
        rest = select.select(session, project, version.id, 40)
    assert len(rest) == 33
