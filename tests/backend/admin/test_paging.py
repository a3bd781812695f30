"""Lists that grow are paged by key: following the link of each page shows every row once."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from backend.db.accounts import existing_account
from backend.db.api_tokens import make_token
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.scopes import Scope
from backend.db.session import Database
from backend.db.tables import Account
from backend.settings import Settings
from ml_backend.contract.messages import Result
from tests.backend.admin.conftest import SignIn
from tests.backend.admin.filled import add_project
from tests.backend.admin.replay_data import measured

MANY = 101  # two pages and a row


@pytest.fixture
def many(filled: Database, settings: Settings) -> None:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        admin = existing_account(session, "admin@example.com")
        for number in range(MANY):
            made = Account(email=f"a{MANY - number}@example.com", session_token="x", name="")
            session.add(made)
            session.flush()
            note_member(session, project.id, made.id)
            make_token(session, admin, f"token a{number}", [Scope.GOLD_READ], made_by="x")
            add_project(session, f"p-{number}", f"Project {number % 7}")
    first = measured(settings.jobs, 1, Result("done"))
    for number in range(2, MANY + 1):
        copy = first.path.parent / str(number)
        copy.mkdir()
        (copy / "config.json").write_bytes((first.path / "config.json").read_bytes())


@pytest.mark.parametrize(
    ("address", "row"),
    [
        ("/accounts", r">(a\d+@example.com)<"),
        ("/tokens", r">(token a\d+)<"),
        ("/projects/empty/settings/members", r">(a\d+@example.com)</span>"),
        ("/projects/empty/selection/replays", r"/replays/(\d+)\""),
        ("/", r"<code>(p-\d+)</code>"),
    ],
)
@pytest.mark.usefixtures("many")
def test_the_links_lead_through_the_whole_list(sign_in: SignIn, address: str, row: str) -> None:
    pages = list(walked(sign_in("admin"), address))
    assert len(pages) == 3
    found = [one for page in pages for one in re.findall(row, page)]
    assert len(found) == len(set(found)) == MANY


def walked(client: FlaskClient, address: str) -> Iterator[str]:
    """A list's pages, each found by the link of the one before."""
    while True:
        page = client.get(address).text
        yield page.split("<main", maxsplit=1)[1]
        link = re.search(r'rel="next"[^>]* href="([^"]+)"', page)
        if link is None:
            return
        address = link[1].replace("&amp;", "&")
