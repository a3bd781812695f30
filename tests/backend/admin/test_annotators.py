"""The pages of annotators: curators see everybody and their agreement, annotators themselves."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from backend.admin.annotators import IDLE
from backend.db.accounts import add_account
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Account, AnnotationState, Document, Gold, GoldSource, Role, now
from backend.db.versions import locked_project
from backend.opened import opened_by
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.people_data import SHARED, add_shared_work

PAGE = "/projects/general/annotators"
AGREEMENT = f"{PAGE}/agreement"


@pytest.fixture
def shared(filled: Database) -> Database:
    """Some documents were done by two people, some of them blind."""
    with filled.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    return filled


def count_queries(client: FlaskClient) -> list[str]:
    asked: list[str] = []
    event.listen(
        opened_by(client.application).database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_more: asked.append(statement),
    )
    return asked


def test_a_curator_sees_everybody_and_who_signs_unread(shared: Database, sign_in: SignIn) -> None:
    page = sign_in("curator").get(PAGE).text
    assert "주석자 1" in page
    assert page.count('data-testid="with-and-without"') == 3
    (flag,) = re.findall(r'data-testid="flag">(.*?)</p>', page)
    assert flag.startswith("주석자 1 accepts wrong pre-labels more than chance allows: 6")


def test_where_no_truth_is_known_the_page_says_that_nobody_can_be_flagged(
    filled: Database, sign_in: SignIn
) -> None:
    note = 'data-testid="no-truth"'
    assert note in sign_in("curator").get(PAGE).text
    assert note not in sign_in("curator").get("/projects/empty/annotators").text
    with filled.write() as session:
        its = select(Gold).join(AnnotationState, AnnotationState.document_id == Gold.document_id)
        gold = session.scalars(its.where(AnnotationState.version_name.is_not(None))).first()
        assert gold is not None
        gold.source = GoldSource.DECISION
        project_by_key(session, "general").gold_revision += 1
    assert note not in sign_in("curator").get(PAGE).text


def test_of_many_members_without_an_annotation_some_are_named(
    shared: Database, sign_in: SignIn
) -> None:
    curator = sign_in("curator")
    for made, named in ((IDLE, IDLE), (5, IDLE)):
        with shared.write() as session:
            project = project_by_key(session, "general")
            for number in range(made):
                email = f"{made:02}-{number:02}@example.com"
                account = add_account(session, email, role=Role.ANNOTATOR, name="김하늘")
                note_member(session, project.id, account.id)
        page = curator.get(PAGE).text
        assert page.count("김하늘") == named
        assert (", … <a" in page) == (made < IDLE)


def test_a_curator_sees_how_far_people_agree_and_where_they_do_not(
    shared: Database, sign_in: SignIn
) -> None:
    client = sign_in("curator")
    page = client.get(AGREEMENT).text
    for told in ("Krippendorff", "Token kappa", "주석자 1 · 주석자 2", "waits for a decision"):
        assert told in page
    assert page.count('data-testid="disagreement"') == 20
    following = re.search(r'rel="next" data-key="n" href="([^"]+)"', page)
    assert following is not None
    more = client.get(following[1].replace("&amp;", "&")).text
    first, second = (set(re.findall(r'<h3><a href="([^"]+)"', its)) for its in (page, more))
    assert len(first) == 20 > len(second) > 0
    assert not first & second
    with shared.read() as session:
        label, other, third = project_by_key(session, "general").labels[:3]
    assert "Nobody disagrees" in client.get(AGREEMENT, query_string={"label": label}).text
    assert "Nobody disagrees" in client.get(AGREEMENT, query_string={"label": third}).text
    assert client.get(AGREEMENT, query_string={"label": other}).text.count("<mark") > 20


def test_a_disagreement_leads_to_where_gold_is_decided(shared: Database, sign_in: SignIn) -> None:
    client = sign_in("curator")
    with shared.read() as session:
        undecided = session.scalars(
            select(Document.id)
            .outerjoin(Gold, Gold.document_id == Document.id)
            .where(Document.id <= SHARED, Gold.document_id.is_(None))
        ).first()
    address = f"/projects/general/duplicates/{undecided}"
    assert f'href="{address}"' in client.get(AGREEMENT).text
    group = client.get(address).text
    state = re.search(r'name="state" value="([^"]+)"', group)
    assert state is not None
    form = {"csrf_token": token_in(group), "state": state[1], "variant": "exact:2"}
    assert client.post(f"{address}/decide", data=form).status_code == 303
    with shared.read() as session:
        assert session.get_one(Gold, undecided).source == "decision"


def test_what_waits_for_another_annotator_is_settled_and_undone(
    shared: Database, sign_in: SignIn
) -> None:
    client = sign_in("curator")
    page = client.get(AGREEMENT).text
    assert "3 shared documents were annotated" in page
    ids = [str(SHARED + number) for number in (1, 2, 3)]
    form = {"csrf_token": token_in(page), "document": ids}
    told = client.post(f"{PAGE}/waiting/settle", data=form, follow_redirects=True).text
    assert "What was said of 3 documents is enough now." in told
    assert 'data-testid="waiting"' not in told
    with shared.read() as session:
        assert session.get_one(Gold, SHARED + 1).source == "person"
    again = client.post(f"{PAGE}/waiting/settle", data=form, follow_redirects=True).text
    assert "No document waits for another annotator any more." in again
    undo = {"csrf_token": token_in(page), "documents": " ".join(f"{one}:2" for one in ids)}
    told = client.post(f"{PAGE}/waiting/undo", data=undo, follow_redirects=True).text
    assert "3 shared documents were annotated" in told
    wrong = {**undo, "documents": "x:2"}
    assert (
        "Not a number"
        in client.post(f"{PAGE}/waiting/undo", data=wrong, follow_redirects=True).text
    )


def test_an_annotator_sees_their_own_figures_alone(shared: Database, sign_in: SignIn) -> None:
    client = sign_in("annotator")
    page = client.get(PAGE).text
    assert "Your annotations" in page
    assert page.count('data-testid="person"') == 1
    assert "주석자 2" not in page
    assert 'data-testid="bias"' not in page
    assert client.get(AGREEMENT).status_code == 403


def test_the_empty_project_says_what_is_missing(sign_in: SignIn) -> None:
    client = sign_in("curator")
    page = client.get("/projects/empty/annotators").text
    assert "Nobody has submitted an annotation" in page
    assert "Nobody has annotated a blind document" in page
    assert (
        "No document was annotated by several people"
        in client.get("/projects/empty/annotators/agreement").text
    )
    own = sign_in("annotator").get(PAGE).text
    assert "You have not submitted an annotation" in own


def test_figures_are_counted_anew_when_there_is_a_new_annotation_or_gold(
    shared: Database, sign_in: SignIn
) -> None:
    client = sign_in("annotator")
    asked = count_queries(client)
    assert f">{SHARED}<" in client.get(PAGE).text
    assert len(asked) <= 15
    first = len(asked)
    client.get(PAGE)
    again = len(asked) - first
    assert again < first
    with shared.write() as session:
        account = session.scalars(select(Account).where(Account.email == "annotator@example.com"))
        document = session.scalars(select(Document).order_by(Document.id.desc()).limit(1)).one()
        session.add(
            AnnotationState(
                project_id=document.project_id,
                document_id=document.id,
                annotation_id=999_999,
                updated_at=now(),
                status="submitted",
                account_id=account.one().id,
            )
        )
    assert f">{SHARED + 1}<" in client.get(PAGE).text
    with shared.write() as session:
        locked_project(session, document.project_id).gold_revision += 1
    first = len(asked)
    client.get(PAGE)
    assert len(asked) - first > again


def test_the_agreement_page_asks_little(shared: Database, sign_in: SignIn) -> None:
    client = sign_in("curator")
    asked = count_queries(client)
    client.get(AGREEMENT)
    assert len(asked) <= 15, asked
