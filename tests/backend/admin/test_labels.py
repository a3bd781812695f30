"""The page of labels: what it shows and foresees; changes, their undoing, and two at once."""

import re

import pytest
from flask.testing import FlaskClient

from backend.db.label_mappings import newest_mapping
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.loop.survey import take_survey
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.gold_data import DAY, PERSON, PLACE, add_gold_documents
from tests.backend.admin.queries import assert_few_queries

LABELS = "/projects/empty/labels"


@pytest.fixture
def curator(sign_in: SignIn, filled: Database) -> FlaskClient:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        add_gold_documents(session, project)
        project_id = project.id
    take_survey(filled, project_id)
    return sign_in("curator")


def hidden(page: str, part: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to a part of the page's address."""
    form = page.split(f'action="{LABELS}/{part}"')[1].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def state(database: Database) -> tuple[dict[str, str], int | None]:
    with database.read() as session:
        project = project_by_key(session, "empty")
        mapping = newest_mapping(session, project.id)
        return (mapping.mapping if mapping else {}), settings_of(project).min_support


def test_the_page_shows_balance_strings_with_several_labels_and_growth(
    curator: FlaskClient,
) -> None:
    page = curator.get(LABELS).text
    for shown in ("서울", PERSON, PLACE, "Strings with several labels", "Growth", "gold-1"):
        assert shown in page
    assert "data-chart" in page
    without = page.split('class="without"')[1].partition("</ul>")[0]
    assert "스포츠" in without
    assert PERSON not in without
    assert curator.get(f"{LABELS}?label_of_form={DAY}").text.count('data-testid="form"') == 0
    assert curator.get(f"{LABELS}?label_of_form={PLACE}").text.count('data-testid="form"') == 1


def test_before_the_first_survey_and_without_gold_the_page_says_so(sign_in: SignIn) -> None:
    page = sign_in("curator").get(LABELS).text
    assert "There is no gold yet" in page
    assert "Nobody has looked over the gold yet" in page


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("min_support=3", "2 gold entities in 2 documents are trained otherwise"),
        (f"label={PERSON}&into={PLACE}&how=merge", "3 gold entities in 2 documents"),
        (f"min_support=4&label={PERSON}&into=Who&how=rename", "in at most"),
        ("min_support=0", "Nothing changes"),
        ("min_support=many", "Give a whole number."),
        (f"label={PERSON}&into={PERSON}", "has that name"),
    ],
)
def test_what_would_change_stands_on_the_page_and_in_its_live_part(
    curator: FlaskClient, query: str, told: str
) -> None:
    for address in (LABELS, f"{LABELS}/what-if"):
        assert told in curator.get(f"{address}?{query}").text


def test_a_merge_and_a_minimum_are_done_and_undone(curator: FlaskClient, filled: Database) -> None:
    query = f"?min_support=2&label={PERSON}&into={PLACE}&how=merge"
    form = hidden(curator.get(LABELS + query).text, "change")
    assert curator.post(f"{LABELS}/change", data=form | {"reason": "one"}).status_code == 303
    assert state(filled) == ({PERSON: PLACE}, 2)
    page = curator.get(LABELS).text
    assert f"{PERSON} is a part of {PLACE}" in page
    curator.post(f"{LABELS}/change", data=form)
    assert "Somebody has changed the labels meanwhile" in curator.get(LABELS).text
    undo = hidden(page, "restore")
    assert curator.post(f"{LABELS}/restore", data=undo).status_code == 303
    assert state(filled) == ({}, None)
    assert "The labels are as they were." in curator.get(LABELS).text


def test_an_earlier_mapping_is_restored_by_its_number(
    curator: FlaskClient, filled: Database
) -> None:
    for into in ("A", "B"):
        label = PERSON if into == "A" else "A"
        query = f"?label={label}&into={into}&how=rename"
        curator.post(f"{LABELS}/change", data=hidden(curator.get(LABELS + query).text, "change"))
        curator.get(LABELS)
    assert state(filled)[0][PERSON] == "B"
    curator.post(f"{LABELS}/restore", data=hidden(curator.get(LABELS).text, "restore"))
    assert state(filled)[0] == {PERSON: "A"}


def test_two_curators_at_once_the_second_is_told_and_keeps_what_was_typed(
    curator: FlaskClient, sign_in: SignIn, filled: Database
) -> None:
    second = sign_in("admin")
    query = f"?label={PERSON}&into=Who&how=rename"
    theirs = hidden(second.get(LABELS + query).text, "change")
    curator.post(
        f"{LABELS}/change",
        data=hidden(curator.get(f"{LABELS}?min_support=3").text, "change"),
    )
    answer = second.post(f"{LABELS}/change", data=theirs)
    page = second.get(answer.location).text
    assert "Somebody has changed the labels meanwhile" in page
    assert f"Call {PERSON} Who" in page
    assert state(filled) == ({}, 3)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"seen_mapping": "x", "seen_minimum": "", "min_support": "3"},
        {"seen_mapping": "0", "seen_minimum": ""},
        {"seen_mapping": "0", "seen_minimum": "", "label": PERSON, "into": "x" * 201},
    ],
)
def test_what_cannot_be_is_told(
    curator: FlaskClient, filled: Database, form: dict[str, str]
) -> None:
    token = {"csrf_token": token_in(curator.get(LABELS).text)}
    answer = curator.post(f"{LABELS}/change", data=token | form)
    assert answer.status_code == 303
    assert "notice error" in curator.get(answer.location).text
    assert state(filled) == ({}, None)


def test_a_project_or_a_label_that_there_is_not_is_not_found(curator: FlaskClient) -> None:
    assert curator.get("/projects/none/labels").status_code == 404
    form = {"seen_mapping": "0", "seen_minimum": "", "label": "none", "into": "x"}
    token = {"csrf_token": token_in(curator.get(LABELS).text)}
    assert curator.post(f"{LABELS}/change", data=token | form).status_code == 404


def test_asking_for_a_survey_says_when_redis_is_down(curator: FlaskClient) -> None:
    token = {"csrf_token": token_in(curator.get(LABELS).text)}
    curator.post(f"{LABELS}/survey", data=token)
    assert "Redis does not answer now" in curator.get(LABELS).text


def test_the_page_takes_few_queries(curator: FlaskClient) -> None:
    assert_few_queries(curator, f"{LABELS}?min_support=4&label={PERSON}&into=Who&how=rename")
