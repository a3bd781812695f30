"""The pages of duplicates: lists, readings side by side, deciding once, undoing, two at once."""

import re

import pytest
from flask import Flask, get_flashed_messages
from flask.testing import FlaskClient

from backend.admin.duplicates import _tell
from backend.db.duplicates import document_named
from backend.db.gold import gold_of
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables_of_labels import Adjudication
from backend.loop.survey import take_survey
from backend.workflow.duplicates.adjudicate import Decided
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.gold_data import DAY, PERSON, PLACE, add_gold_documents
from tests.backend.admin.queries import assert_few_queries

DUPLICATES = "/projects/empty/duplicates"


@pytest.fixture
def curator(sign_in: SignIn, filled: Database) -> FlaskClient:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        documents = add_gold_documents(session, project)
        documents[2].near_id = documents[3].near_id = documents[2].id
        project_id = project.id
    take_survey(filled, project_id)
    return sign_in("curator")


def number_of(database: Database, name: str) -> int:
    with database.read() as session:
        return document_named(session, project_by_key(session, "empty").id, name).id


def said(database: Database, *names: str) -> list[list[tuple[int, int, str]]]:
    """The gold of documents."""
    numbers = [number_of(database, name) for name in names]
    with database.read() as session:
        gold = gold_of(session, numbers)
    return [[(one["start"], one["end"], one["label"]) for one in gold[n]] for n in numbers]


def hidden(page: str, ending: str) -> dict[str, str]:
    """The hidden fields of the first form that is sent to an address of this ending."""
    form = re.split(rf'action="[^"]*{ending}"', page)[1].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


@pytest.mark.parametrize(
    ("show", "told"),
    [
        ("exact-conflict", "서울/행정구역 → 서울/사람"),
        ("near-conflict", "No conflict is open."),
        ("exact-group", "2 documents"),
        ("near-group", "서울은 춥다"),
        ("decisions", "Nothing was decided yet."),
    ],
)
def test_each_list_tells_what_is_in_it(curator: FlaskClient, show: str, told: str) -> None:
    assert told in curator.get(f"{DUPLICATES}?show={show}").text


def test_lists_are_filtered_by_label_and_an_unknown_one_is_not_found(curator: FlaskClient) -> None:
    address = f"{DUPLICATES}?show=exact-conflict&label="
    assert curator.get(address + DAY).text.count('data-testid="finding"') == 1
    assert curator.get(address + "음식").text.count('data-testid="finding"') == 0
    assert curator.get(f"{DUPLICATES}?show=everything").status_code == 404
    assert curator.get(f"{DUPLICATES}/99999999").status_code == 404
    assert curator.get("/projects/general/duplicates/1").status_code == 200


def test_before_the_first_survey_the_page_says_so(sign_in: SignIn) -> None:
    page = sign_in("curator").get(DUPLICATES).text
    assert "Nobody has looked over the copies yet" in page
    assert "What comes first" in page


def test_readings_stand_side_by_side_with_what_differs_in_words(
    curator: FlaskClient, filled: Database
) -> None:
    page = curator.get(f"{DUPLICATES}/{number_of(filled, 'gold-1')}").text
    for told in ("Labelled differently", "relabelled: </span>", "removed: </span>", "gold-0"):
        assert told in page
    assert "Decided" not in page


def test_a_decision_is_made_once_applied_to_every_copy_shown_and_undone(
    curator: FlaskClient, filled: Database
) -> None:
    before = said(filled, "gold-0", "gold-1")
    address = f"{DUPLICATES}/{number_of(filled, 'gold-0')}"
    form = hidden(curator.get(address).text, "/decide")
    answer = curator.post(
        f"{address}/decide", data=form | {"variant": "exact:1", "reason": "a slip"}
    )
    assert answer.status_code == 303
    page = curator.get(address).text
    for told in ("gold of 2 documents", "a slip", "curator@example.com", "gold-1"):
        assert told in page
    right, copy = said(filled, "gold-0", "gold-1")
    assert right == before[0]
    assert copy == [(0, 3, PERSON), (6, 9, DAY), (10, 12, PLACE)]
    assert "gold-0" in curator.get(f"{DUPLICATES}?show=decisions").text
    assert "No conflict is open." in curator.get(DUPLICATES).text
    curator.post(f"{address}/withdraw", data=hidden(page, "/withdraw"))
    assert said(filled, "gold-0", "gold-1") == before
    assert "taken back from 2 documents" in curator.get(DUPLICATES).text
    assert curator.get(DUPLICATES).text.count('data-testid="finding"') == 1


def test_a_decision_is_put_together_from_entities_of_both(
    curator: FlaskClient, filled: Database
) -> None:
    address = f"{DUPLICATES}/{number_of(filled, 'gold-1')}"
    form = hidden(curator.get(address).text, "/decide")
    chosen = [f"0-3-{PERSON}", f"6-9-{DAY}"]
    curator.post(f"{address}/decide", data=form | {"entity": chosen})
    assert said(filled, "gold-0", "gold-1") == [
        [(0, 3, PERSON), (5, 8, DAY)],
        [(0, 3, PERSON), (6, 9, DAY)],
    ]


def test_two_curators_on_one_conflict_the_second_is_told(
    curator: FlaskClient, sign_in: SignIn, filled: Database
) -> None:
    second = sign_in("admin")
    address = f"{DUPLICATES}/{number_of(filled, 'gold-0')}"
    theirs = hidden(second.get(address).text, "/decide")
    ours = hidden(curator.get(address).text, "/decide")
    curator.post(f"{address}/decide", data=ours | {"variant": "exact:1"})
    after = said(filled, "gold-0", "gold-1")
    answer = second.post(f"{address}/decide", data=theirs | {"variant": "exact:2"})
    assert "has changed meanwhile" in second.get(answer.location).text
    assert said(filled, "gold-0", "gold-1") == after


@pytest.mark.parametrize(
    "form",
    [
        {"variant": "exact:9"},
        {"variant": "near:1"},
        {"variant": "other:1"},
        {"entity": "x"},
        {"entity": f"0-99-{PERSON}"},
        {"variant": "exact:" + "9" * 30},
        {"entity": "0-3-no such label"},
        {"variant": "exact:1", "state": "another"},
    ],
)
def test_what_cannot_be_decided_is_told(
    curator: FlaskClient, filled: Database, form: dict[str, str]
) -> None:
    before = said(filled, "gold-0", "gold-1")
    address = f"{DUPLICATES}/{number_of(filled, 'gold-0')}"
    answer = curator.post(
        f"{address}/decide", data=hidden(curator.get(address).text, "/decide") | form
    )
    changed = "state" in form or form["variant" if "variant" in form else "entity"] == "near:1"
    assert answer.status_code == (303 if changed else 422)
    page = curator.get(answer.location).text if changed else answer.text
    assert page.count("notice error") == 1
    assert said(filled, "gold-0", "gold-1") == before


def test_what_was_ticked_and_typed_is_there_still_when_it_is_refused(
    curator: FlaskClient, filled: Database
) -> None:
    address = f"{DUPLICATES}/{number_of(filled, 'gold-1')}"
    page = curator.get(address).text
    boxes = re.findall(r'name="entity" value="([^"]+)"', page)
    form = hidden(page, "/decide") | {"entity": boxes, "reason": "a <slip>"}
    answer = curator.post(f"{address}/decide", data=form)
    assert answer.status_code == 422
    assert "overlap" in answer.text
    assert re.findall(r'name="entity" value="([^"]+)" checked', answer.text) == boxes
    assert 'value="a &lt;slip&gt;"' in answer.text
    form["entity"] = [f"0-3-{PERSON}"]
    assert curator.post(f"{address}/decide", data=form).status_code == 303
    assert said(filled, "gold-1") == [[(0, 3, PERSON)]]


def test_what_many_copies_could_not_take_is_told_in_few_words(app: Flask) -> None:
    many = {f"{number}-{'긴' * 200}": "no place" for number in range(3000)}
    decided = [Decided(Adjudication(id=10**9 + n), ["d"], many if n == 0 else {}) for n in range(9)]
    with app.test_request_context():
        _tell("empty", 1, decided)
        offered, note = get_flashed_messages(with_categories=True)
    assert offered[0] == "undo"
    assert note[1].startswith("3000 copies could not take it")
    assert len(note[1]) < 400
    with app.test_request_context():
        _tell("empty", 1, [one for one in decided[1:] for _ in range(40)])
        assert [kind for kind, _said in get_flashed_messages(with_categories=True)] == ["done"]


def test_undo_takes_back_the_decision_it_was_offered_for_and_no_other(
    curator: FlaskClient, sign_in: SignIn, filled: Database
) -> None:
    second = sign_in("admin")
    address = f"{DUPLICATES}/{number_of(filled, 'gold-0')}"
    undo = []
    for client, chosen in ((curator, f"0-3-{PERSON}"), (second, f"6-9-{DAY}")):
        form = hidden(client.get(address).text, "/decide")
        client.post(f"{address}/decide", data=form | {"entity": chosen})
        undo.append(hidden(client.get(address).text, "/withdraw"))
    after = said(filled, "gold-0", "gold-1")
    answer = curator.post(f"{address}/withdraw", data=undo[0])
    assert "has changed meanwhile" in curator.get(answer.location).text
    assert said(filled, "gold-0", "gold-1") == after
    for told in ("taken back from 2 documents", "has changed meanwhile"):  # a double click
        answer = second.post(f"{address}/withdraw", data=undo[1])
        assert told in second.get(answer.location).text
        assert said(filled, "gold-0", "gold-1") == [[(0, 3, PERSON)], [(0, 3, PERSON)]]
    for told in ("taken back", "Nobody has decided"):
        answer = curator.post(f"{address}/withdraw", data=undo[0])
        assert told in curator.get(answer.location).text


def test_an_undo_that_names_no_decision_is_told(curator: FlaskClient, filled: Database) -> None:
    address = f"{DUPLICATES}/{number_of(filled, 'gold-0')}"
    token = {"csrf_token": token_in(curator.get(address).text)}
    for form in ({}, {"decisions": "x"}, {"decisions": "9" * 30}):
        answer = curator.post(f"{address}/withdraw", data=token | form)
        assert "This form is from another page" in curator.get(answer.location).text
    assert curator.post(f"{address}/withdraw", data=token | {"decisions": "99"}).status_code == 404


def test_the_pages_take_few_queries(curator: FlaskClient, filled: Database) -> None:
    number = number_of(filled, "gold-0")
    lists = (DUPLICATES, f"{DUPLICATES}?show=decisions")
    assert_few_queries(curator, *lists, f"{DUPLICATES}/{number}")
