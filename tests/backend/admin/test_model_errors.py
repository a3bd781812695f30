"""The pages of errors: found, looked through with filters, decided, undone; two people at once."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from backend.db.tables_of_errors import ErrorDecision
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.error_data import find_errors
from tests.backend.admin.queries import assert_few_queries

ERRORS = "/projects/general/errors"


@pytest.fixture
def ids(filled: Database) -> list[int]:
    return find_errors(filled)


@pytest.fixture
def curator(sign_in: SignIn, ids: list[int]) -> FlaskClient:
    return sign_in("curator")


def listed(page: str) -> list[int]:
    rows = page.split('data-testid="error"')[1:]
    return [int(re.findall(r"/errors/(\d+)", row)[0]) for row in rows]


def decide(client: FlaskClient, number: int, verdict: str, query: str = "") -> str:
    """Send a verdict from a document's page; the address that comes next."""
    page = client.get(f"{ERRORS}/{number}{query}").text
    revision = re.findall(r'name="revision" value="(\d+)"', page)[0]
    form = {"csrf_token": token_in(page), "revision": revision, "verdict": verdict}
    answer = client.post(f"{ERRORS}/{number}{query}", data=form)
    assert answer.status_code == 303
    return answer.location


def undo(client: FlaskClient, page: str) -> str:
    number = re.findall(r'name="decision" value="(\d+)"', page)[0]
    form = {"csrf_token": token_in(page), "decision": number}
    return client.get(client.post(f"{ERRORS}/undo", data=form).location).text


def test_the_list_begins_with_what_the_champion_is_surest_of(
    curator: FlaskClient, ids: list[int]
) -> None:
    page = curator.get(ERRORS).text
    assert listed(page) == ids[::-1][:50]
    assert "v3 was compared with the gold of 120 documents" in page
    after = re.findall(r'rel="next"[^>]*href="([^"]+)"', page)[0].replace("&amp;", "&")
    assert listed(curator.get(after).text) == ids[::-1][50:100]


def test_the_list_says_how_many_there_are_by_label_and_kind_and_marks_each_difference(
    curator: FlaskClient,
) -> None:
    page = curator.get(ERRORS).text
    counts = page.split('data-testid="counts"')[1].partition("</table>")[0]
    missed = re.search(r'href="([^"]*kind=missed&amp;label=[^"]+)"[^>]*>(\d+)<', counts)
    assert missed is not None
    narrowed = curator.get(missed[1].replace("&amp;", "&")).text
    assert len(listed(narrowed)) == int(missed[2])
    rows = narrowed.split('data-testid="error"')[1:]
    assert all("differs missed" in row.partition("</li>")[0] for row in rows)


def test_filters_stay_in_the_address(curator: FlaskClient, ids: list[int]) -> None:
    missed = ids[3::4][::-1]
    page = curator.get(f"{ERRORS}?kind=missed").text
    assert listed(page) == missed
    assert f"{ERRORS}/{missed[0]}?kind=missed" in page
    assert (
        f"{ERRORS}/{missed[1]}?kind=missed" in curator.get(f"{ERRORS}/{missed[0]}?kind=missed").text
    )
    sure = listed(curator.get(f"{ERRORS}?least=0.95").text)
    assert sure == ids[114:][::-1]
    assert listed(curator.get(f"{ERRORS}?label=nothing&kind=odd").text) == []


@pytest.mark.parametrize(
    ("kind", "signs"),
    [(0, ["spurious"]), (1, ["boundary", "boundary"]), (2, ["label", "label"]), (3, ["missed"])],
)
def test_both_texts_are_shown_with_the_difference_marked(
    curator: FlaskClient, ids: list[int], kind: int, signs: list[str]
) -> None:
    page = curator.get(f"{ERRORS}/{ids[kind]}").text
    assert re.findall(r"differs (\w+)", page) == signs
    assert "김철수" in page
    assert "93 %" in page or kind == 3


def test_the_gold_is_right_and_the_decision_is_undone(curator: FlaskClient, ids: list[int]) -> None:
    last, before = ids[-1], ids[-2]
    following = decide(curator, last, "gold")
    assert following == f"{ERRORS}/{before}"
    page = curator.get(following).text
    assert "not asked about again" in page
    assert last not in listed(curator.get(ERRORS).text)
    shown = undo(curator, page)
    assert "taken back" in shown
    assert listed(curator.get(ERRORS).text)[0] == last


def test_the_model_is_right_and_the_decision_is_undone(
    curator: FlaskClient, filled: Database, ids: list[int]
) -> None:
    number = ids[2::4][-1]
    following = decide(curator, number, "model", "?kind=label")
    assert following.endswith("?kind=label")
    with filled.read() as session:
        gold = session.get_one(Gold, number)
        assert gold.source == GoldSource.DECISION
        assert gold.entities == [{"start": 0, "end": 3, "label": "제품"}]
        decision = session.scalars(select(ErrorDecision)).one()
        assert decision.made_by == "curator@example.com"
    assert "taken back" in undo(curator, curator.get(following).text)
    with filled.read() as session:
        gold = session.get(Gold, number)
        assert gold is None or gold.source != GoldSource.DECISION


def test_two_people_at_one_document_do_not_overrule_each_other(
    curator: FlaskClient, sign_in: SignIn, ids: list[int]
) -> None:
    other = sign_in("admin")
    number = ids[-1]
    page = other.get(f"{ERRORS}/{number}").text
    revision = re.findall(r'name="revision" value="(\d+)"', page)[0]
    decide(curator, number, "gold")
    form = {"csrf_token": token_in(page), "revision": revision, "verdict": "model"}
    answer = other.post(f"{ERRORS}/{number}", data=form)
    told = other.get(answer.location).text
    assert "curator@example.com has decided already: the gold is right" in told
    assert "has decided about this" in other.get(f"{ERRORS}/{number}").text


def test_what_is_not_there_is_told(curator: FlaskClient, ids: list[int]) -> None:
    assert curator.get(f"{ERRORS}/999999").status_code == 404
    assert curator.get("/projects/none/errors").status_code == 404
    token = token_in(curator.get(f"{ERRORS}/{ids[0]}").text)
    odd = curator.post(f"{ERRORS}/{ids[0]}", data={"csrf_token": token, "verdict": "odd"})
    assert "There is no decision" in curator.get(odd.location).text


def test_a_project_without_a_champion_has_nothing_to_compare(sign_in: SignIn) -> None:
    page = sign_in("curator").get("/projects/empty/errors").text
    assert "nothing to compare gold with" in page


def test_a_look_is_asked_for(curator: FlaskClient) -> None:
    token = token_in(curator.get(ERRORS).text)
    answer = curator.post(f"{ERRORS}/compare", data={"csrf_token": token})
    assert "compared when it is back" in curator.get(answer.location).text  # Redis is down


def test_the_pages_take_few_queries(curator: FlaskClient, ids: list[int]) -> None:
    paths = ("", "?kind=missed&label=x&least=0.5", f"/{ids[0]}")
    assert_few_queries(curator, *(ERRORS + path for path in paths))
