"""Forms with several labels, the likeliest mistakes first."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from backend.db.session import Database
from backend.db.surfaces import surfaces
from backend.db.tables import GoldSource
from backend.workflow.labels.surface_forms import NAMED, surface_forms
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project


def test_a_rare_label_of_a_frequent_form_comes_first() -> None:
    documents = [(number, [("서울", "LC")]) for number in range(1, 100)]
    documents += [(100, [("서울", "OG"), ("한국", "LC"), ("한국", "OG")])]
    documents += [(number, [("삼성", "OG"), ("가", "PS")]) for number in range(101, 105)]
    documents += [(105, [("삼성", "PS")])]
    forms = surface_forms(documents)
    assert [(form.form, form.count) for form in forms] == [("서울", 100), ("삼성", 5), ("한국", 2)]
    assert [(one.label, one.count) for one in forms[0].labels] == [("LC", 99), ("OG", 1)]
    assert forms[0].labels[1].documents == [100]
    assert forms[0].labels[0].documents == list(range(1, NAMED + 1))


def test_decomposed_hangul_is_the_same_form() -> None:
    decomposed = unicodedata.normalize("NFD", "서울")
    (form,) = surface_forms([(1, [("서울", "LC")]), (2, [(decomposed, "OG")])])
    assert form.form == "서울"


pairs = st.tuples(st.sampled_from("가나다"), st.sampled_from("ABC"))


@given(st.lists(st.lists(pairs, max_size=6), max_size=20))
def test_counts_are_those_of_the_documents(found: list[list[tuple[str, str]]]) -> None:
    for form in surface_forms(enumerate(found)):
        for one in form.labels:
            assert one.count == sum(pairs.count((form.form, one.label)) for pairs in found)
            holding = [n for n, its in enumerate(found) if (form.form, one.label) in its]
            assert one.documents == holding[:NAMED]
        assert len(form.labels) > 1
        assert form.count == sum(one.count for one in form.labels)


def test_surfaces_are_read_from_own_gold(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["롯데는", "한화는", "롯데는"])
        add_gold(session, documents[0], label="PS")
        add_gold(session, documents[1], label="LC")
        add_gold(session, documents[2], source=GoldSource.COPIED)
        found = list(surfaces(session, project.id))
    assert found == [(documents[0].id, [("롯", "PS")]), (documents[1].id, [("한", "LC")])]
