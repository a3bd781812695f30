"""The pages of evidence: found by the task's number, for annotators too, with few queries."""

import pytest
from flask.testing import FlaskClient

from backend.db.session import Database
from backend.db.tables import Document
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.evidence_data import add_evidence
from tests.backend.admin.queries import assert_few_queries

EVIDENCE = "/projects/general/evidence"


@pytest.fixture
def number(filled: Database) -> int:
    return add_evidence(filled)


@pytest.fixture
def annotator(sign_in: SignIn, number: int) -> FlaskClient:
    return sign_in("annotator")


def test_each_suggestion_is_told_with_what_speaks_for_it(
    annotator: FlaskClient, number: int
) -> None:
    page = annotator.get(f"{EVIDENCE}/{number}").text
    assert page.count('data-testid="suggestion"') == 4
    assert "v3 says" in page
    for told in ("98 %", "The same string in gold", "never", "held back", "relabelled"):
        assert told in page, told
    assert "annotator-2@example.com" not in page  # who it was is the curators' business


def test_one_span_has_an_address_of_its_own(annotator: FlaskClient, number: int) -> None:
    page = annotator.get(f"{EVIDENCE}/{number}/0-3").text
    assert page.count('data-testid="suggestion"') == 1
    nothing = annotator.get(f"{EVIDENCE}/{number}/1-2").text
    assert "The model suggests nothing here." in nothing


def test_a_document_is_found_by_the_number_of_its_task(
    annotator: FlaskClient, filled: Database, number: int
) -> None:
    with filled.read() as session:
        task = session.get_one(Document, number).task_id
    for written in (f"{task}", f"%23{task}"):
        assert annotator.get(f"{EVIDENCE}?task={written}").location == f"{EVIDENCE}/{number}"
    assert "Number of the task" in annotator.get(EVIDENCE).text
    for written in ("999999", "0", "odd", "9" * 30, "²"):
        assert "There is no task of this number" in annotator.get(f"{EVIDENCE}?task={written}").text


def test_what_is_not_there_is_not_found(annotator: FlaskClient, sign_in: SignIn) -> None:
    assert annotator.get(f"{EVIDENCE}/999999").status_code == 404
    assert annotator.get(f"{EVIDENCE}/{'9' * 30}").status_code == 404
    assert annotator.get("/projects/empty/evidence").status_code == 404  # no member there
    assert sign_in("curator").get("/projects/empty/evidence/1").status_code == 404


def test_the_page_takes_few_queries(annotator: FlaskClient, number: int) -> None:
    assert_few_queries(annotator, f"{EVIDENCE}/{number}")
