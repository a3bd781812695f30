"""The page of the autolabel queue: what it shows, and what a curator decides there."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold
from backend.db.tables_of_autolabel import Autolabel, AutolabelRun, Promise
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.filled import add_project
from tests.backend.admin.filled_queue import KEY, add_queue
from tests.backend.admin.queries import assert_few_queries

PAGE = f"/projects/{KEY}/autolabel"


@pytest.fixture
def queue(filled: Database) -> Database:
    """A second project, with a queue."""
    with filled.write() as session:
        add_queue(session, add_project(session, KEY, "자동 라벨"))
    return filled


@pytest.fixture
def curator(queue: Database, sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def items(page: str) -> list[int]:
    """The documents of a page's items, in order."""
    return [int(number) for number in re.findall(r'data-document="(\d+)"', page)]


def seen(page: str) -> dict[int, str]:
    """What a form sends to name each item, by document."""
    found = re.findall(r'name="item" value="((\d+)@[^"]+)"', page)
    return {int(number): value for value, number in found}


def send(client: FlaskClient, action: str, address: str = PAGE, **form: object) -> str:
    """Send a form of the page; the page that comes back."""
    token = token_in(client.get(PAGE).text)
    form = {"csrf_token": token, "back": address, **form}
    answer = client.post(f"{PAGE}/{action}", data=form)
    assert answer.status_code == 303, answer.text
    return client.get(answer.location).text


def undone(client: FlaskClient, page: str) -> str:
    """Press Undo in what the page has told."""
    form = page.split('class="notice done undo"')[1].split("</form>", maxsplit=1)[0]
    fields = dict(re.findall(r'name="(first|last|back)" value="([^"]*)"', form))
    return send(client, "undo", **fields)


def state_of(database: Database, document: int) -> str:
    with database.read() as session:
        return session.get_one(Autolabel, document).state


def test_the_page_shows_items_promise_audit_and_run(curator: FlaskClient) -> None:
    page = curator.get(f"{PAGE}?order=unsure").text
    for shown in (
        "Less sure than the",
        "exactly right with probability 95 %",
        "Precision against coverage",
        "at most",
        "The run of v7 is paused",
        "120 of 360",
    ):
        assert shown in page
    assert len(items(page)) == 20
    assert page.count('data-key="a"') == 1  # the first item has the keys
    piece = page.split('class="entity ')[1]
    assert "PS" in piece[:400] or "entity-note" in piece[:400]


def test_the_page_of_an_empty_project_says_what_will_come(curator: FlaskClient) -> None:
    page = curator.get("/projects/empty/autolabel").text
    assert "Nothing waits." in page
    assert "Nothing is promised yet." in page
    assert "there is nothing to audit" in page


def test_what_people_have_rejected_before_is_drawn_as_left_out(
    curator: FlaskClient, queue: Database
) -> None:
    with queue.write() as session:
        first = next(one for one in items(curator.get(PAGE).text))
        item = session.get_one(Autolabel, first)
        item.entities = [{**item.entities[0], "rejected": True}, *item.entities[1:]]
    page = curator.get(PAGE).text
    assert "differs left_out" in page
    assert "It suggests again what people have rejected" in page


def test_filters_stand_in_the_address(curator: FlaskClient, queue: Database) -> None:
    page = curator.get(f"{PAGE}?least=0.5&most=0.6&order=unsure").text
    with queue.read() as session:
        sure = [session.get_one(Autolabel, one).confidence for one in items(page)]
    assert sure == sorted(sure)
    assert 0.5 <= sure[0] <= sure[-1] <= 0.6
    wrong = curator.get(f"{PAGE}?list=audit-wrong").text
    assert len(items(wrong)) == 1
    assert "People said, blind" in wrong
    assert "differs spurious" in wrong
    assert "differs missed" in wrong
    chance = curator.get(f"{PAGE}?reason=chance").text
    assert items(chance)
    assert "Only chance may choose it" in chance
    assert 'data-testid="accept"' not in chance
    for odd in ("list=none", "least=x", "most=7", "reason=none", "after=here", "label=none"):
        assert curator.get(f"{PAGE}?{odd}").status_code == 200


def test_the_pages_of_a_list_miss_nothing(curator: FlaskClient, queue: Database) -> None:
    address, found = PAGE, []
    for _page in range(9):
        page = curator.get(address).text
        found += items(page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        if link is None:
            break
        address = link[1].replace("&amp;", "&")
    with queue.read() as session:
        mine = session.scalars(
            select(Autolabel.document_id)
            .join(Document, Document.id == Autolabel.document_id)
            .where(Autolabel.state == "pending", Document.part.is_(None))
        ).all()
    assert sorted(found) == sorted(mine)


@pytest.mark.parametrize(
    ("action", "state", "told"),
    [
        ("accept", "by_person", "1 document is gold."),
        ("reject", "rejected", "1 item is rejected."),
        ("send", "sent", "1 document goes to Label Studio."),
    ],
)
def test_one_item_is_decided_about_and_undone(
    curator: FlaskClient, queue: Database, action: str, state: str, told: str
) -> None:
    document, value = next(iter(seen(curator.get(PAGE).text).items()))
    page = send(curator, action, one=value)
    assert told in page
    assert document not in items(page)
    assert state_of(queue, document) == state
    assert "1 item is as it was." in undone(curator, page)
    assert state_of(queue, document) == "pending"
    with queue.read() as session:
        assert session.get(Gold, document) is None


def test_ticked_items_are_decided_about_together(curator: FlaskClient, queue: Database) -> None:
    ticked = list(seen(curator.get(PAGE).text).items())[:4]
    page = send(curator, "accept", item=[value for _, value in ticked])
    assert "4 documents are gold." in page
    assert {state_of(queue, document) for document, _ in ticked} == {"by_person"}
    assert "4 items are as they were." in undone(curator, page)


def test_the_first_of_a_filtered_list_are_accepted_without_what_chance_may_choose(
    curator: FlaskClient, queue: Database
) -> None:
    address = f"{PAGE}?least=0.6&order=unsure"
    shown = items(curator.get(address).text)[:12]
    page = send(curator, "accept", address, count=12)
    assert "12 documents are gold." in page
    assert {state_of(queue, one) for one in shown} == {"by_person"}
    assert "12 items are as they were." in undone(curator, page)
    page = send(curator, "accept", f"{PAGE}?reason=chance", count=12)
    assert "There is nothing to decide about" in page


def test_the_second_of_two_curators_is_told(
    curator: FlaskClient, sign_in: SignIn, queue: Database
) -> None:
    document, value = next(iter(seen(curator.get(PAGE).text).items()))
    send(sign_in("admin"), "reject", one=value)
    page = send(curator, "accept", one=value)
    assert f"Document {document} has changed meanwhile: it is rejected, by admin@" in page
    assert state_of(queue, document) == "rejected"


def test_what_the_rule_accepted_can_be_rejected_and_comes_back(
    curator: FlaskClient, queue: Database
) -> None:
    address = f"{PAGE}?list=by_rule"
    document, value = next(iter(seen(curator.get(address).text).items()))
    page = send(curator, "reject", address, one=value)
    with queue.read() as session:
        assert session.get(Gold, document) is None
    assert document in items(undone(curator, page))
    with queue.read() as session:
        assert session.get_one(Gold, document).source == "rule"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"one": "1"},
        {"one": "1@yesterday"},
        {"one": "9999999@2026-01-01T00:00:00+00:00"},
        {"count": 0},
        {"count": 5000},
        {"count": "x"},
    ],
)
def test_forms_that_this_page_does_not_send_are_refused_in_a_sentence(
    curator: FlaskClient, form: dict[str, object]
) -> None:
    assert 'class="notice error"' in send(curator, "accept", **form)
    assert 'class="notice error"' in send(curator, "undo", first=10**9, last=10**9)


def test_a_run_is_paused_resumed_and_cancelled(curator: FlaskClient, queue: Database) -> None:
    def state() -> str:
        with queue.read() as session:
            return session.scalars(select(AutolabelRun)).one().state

    assert "The run goes on." in send(curator, "run", do="resume")
    assert state() == "running"
    assert "v7 labels what nobody has" in curator.get(f"{PAGE}/live").text
    assert "The run is paused." in send(curator, "run", do="pause")
    assert "The run is cancelled." in send(curator, "run", do="cancel")
    assert state() == "cancelled"
    assert "No autolabel run" in send(curator, "run", do="pause")
    assert "Say whether" in send(curator, "run", do="jump")
    assert "Redis does not answer" in send(curator, "start")


def test_a_stopped_promise_says_why(curator: FlaskClient, queue: Database) -> None:
    with queue.write() as session:
        promise = session.scalars(select(Promise)).one()
        promise.state, promise.reason = (
            "stopped",
            "of 9 documents that people labelled, 2 were right",
        )
    page = curator.get(PAGE).text
    assert "Of 9 documents that people labelled, 2 were right." in page
    assert "Nothing is promised of its version now." in page


def test_the_page_asks_few_questions(curator: FlaskClient, queue: Database) -> None:
    lists = (PAGE, f"{PAGE}?label=PS&reason=chance", f"{PAGE}?list=audit-wrong")
    assert_few_queries(curator, *lists, f"{PAGE}/live")


def test_an_annotator_may_not_open_the_queue(queue: Database, sign_in: SignIn) -> None:
    client = sign_in("annotator")
    assert client.get(PAGE).status_code == 403
    assert f'{PAGE}"' not in client.get(f"/projects/{KEY}").text
