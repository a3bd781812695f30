"""The page of the forecast: with versions and without, and what may be typed."""

import re

import pytest
from flask.testing import FlaskClient

from backend.db.session import Database
from backend.settings import Settings
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.model_data import leave_reports
from tests.backend.admin.queries import assert_few_queries

FORECAST = "/projects/general/models/forecast"


@pytest.fixture
def curator(sign_in: SignIn, filled: Database, settings: Settings) -> FlaskClient:
    leave_reports(filled, settings.jobs)
    return sign_in("curator")


def rows(page: str) -> list[str]:
    return [row.split("</tr>")[0] for row in page.split('data-testid="row"')[1:]]


def test_what_a_target_needs_is_told_of_all_and_of_each_label(curator: FlaskClient) -> None:
    page = curator.get(f"{FORECAST}?target=0.8").text
    assert "To an F1 of 0.800" in page
    whole, *labels = rows(page)
    assert ">All</th>" in whole
    assert len(labels) == 33
    assert sum("too little to tell" in row for row in labels) > 0
    assert "4 versions of one model" in page
    assert "15 % of the documents judge versions" in page
    assert FORECAST in curator.get("/projects/general/models").text


def test_hopeless_and_reached_targets_are_called_so(curator: FlaskClient) -> None:
    verdict = re.compile(r'data-testid="verdict">\s*(.*?)</p>', re.DOTALL)
    assert verdict.search(curator.get(f"{FORECAST}?target=0.2").text)[1].startswith("Reached")
    assert "reachable" in verdict.search(curator.get(f"{FORECAST}?target=0.999").text)[1]


@pytest.mark.parametrize("typed", ["1", "0", "-1", "nan", "much", "<b>", "1e-400"])
def test_what_is_no_f1_is_said_and_the_proposed_target_stands(
    curator: FlaskClient, typed: str
) -> None:
    answer = curator.get(FORECAST, query_string={"target": typed})
    assert answer.status_code == 200
    assert "A target is an F1 between 0 and 1" in answer.text
    assert "<b>" not in answer.text
    assert "To an F1 of 0." in answer.text


def test_a_comma_is_a_point(curator: FlaskClient) -> None:
    assert "To an F1 of 0.850" in curator.get(f"{FORECAST}?target=0,85").text


def test_a_project_without_versions_is_told_what_is_missing(sign_in: SignIn) -> None:
    page = sign_in("curator").get("/projects/empty/models/forecast").text
    assert "three different numbers of documents" in page
    assert "What comes first" in page
    assert "To an F1 of" not in page, "no target is proposed where nothing is known"
    assert rows(page) == []
    typed = sign_in("curator").get("/projects/empty/models/forecast?target=0.9").text
    assert "To an F1 of 0.900" in typed


def test_the_page_takes_few_queries(curator: FlaskClient) -> None:
    assert_few_queries(curator, FORECAST)
