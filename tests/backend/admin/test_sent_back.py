"""The page of what is with people: doubts and errors in one list, the last first, paged by key."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.admin.review import sent_back
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Gold
from backend.db.tables_of_doubts import Doubt
from backend.db.tables_of_errors import DifferingDocument
from backend.db.tables_of_review import Verdict
from backend.db.versions import locked_project
from backend.workflow.review.decide import decide
from backend.workflow.review.kinds import DOUBTS, ERRORS
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.doubt_data import find_doubts
from tests.backend.admin.error_data import find_errors

ERRORS_PAGE = "/projects/general/errors"
LISTED = re.compile(r'data-testid="sent-back"><a href="([^"]+)"')


@pytest.fixture
def sent(filled: Database) -> list[str]:
    """The addresses of three doubts and three errors that went back in turn, the last first."""
    find_doubts(filled)
    find_errors(filled)
    addresses = []
    with filled.write() as session:
        project = locked_project(session, project_by_key(session, "general").id)
        doubts = session.scalars(select(Doubt).order_by(Doubt.rank).limit(3)).all()
        errors = session.scalars(
            select(DifferingDocument).order_by(DifferingDocument.document_id.desc()).limit(3)
        ).all()
        for doubt, error in zip(doubts, errors, strict=True):
            asked = (DOUBTS, doubt.id, doubt), (ERRORS, error.document_id, error)
            for kind, number, one in asked:
                revision = one.gold_revision
                decide(session, project, kind, number, revision, Verdict.SENT, "me@example.com")
            addresses += [f"{ERRORS_PAGE}/doubts/{doubt.id}", f"{ERRORS_PAGE}/{error.document_id}"]
    return addresses[::-1]


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def test_pages_of_both_kinds_go_on_where_the_last_ended(
    curator: FlaskClient, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_back, "PAGE_SIZE", 4)
    first = curator.get(f"{ERRORS_PAGE}/sent").text
    assert LISTED.findall(first) == sent[:4]
    following = re.findall(r'rel="next"[^>]* href="([^"]+)"', first)[0]
    second = curator.get(following).text
    assert LISTED.findall(second) == sent[4:]
    assert 'rel="next"' not in second
    assert LISTED.findall(curator.get(f"{ERRORS_PAGE}/sent?after=9").text) == sent[:4]


def test_what_people_answered_is_said_and_leads_to_what_is_left(
    curator: FlaskClient, filled: Database, sent: list[str]
) -> None:
    number = int(sent[0].rpartition("/")[2])
    assert curator.get(f"{ERRORS_PAGE}/sent").text.count("nobody has answered yet") == 6
    with filled.write() as session:
        session.get_one(Gold, number).revision += 100_000
    page = curator.get(f"{ERRORS_PAGE}/sent").text
    assert page.count("nobody has answered yet") == 5
    with filled.write() as session:  # a new champion is compared
        for one in session.scalars(select(DifferingDocument)):
            session.delete(one)
    page = curator.get(f"{ERRORS_PAGE}/sent").text
    assert len(LISTED.findall(page)) == 5
    assert f"/projects/general/evidence/{sent[2].rpartition('/')[2]}" in LISTED.findall(page)
