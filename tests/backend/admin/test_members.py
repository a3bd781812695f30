"""The members of a project: added and taken out by curators, and by annotating."""

from backend.db.accounts import existing_account
from backend.db.members import is_member
from backend.db.projects import project_by_key
from backend.db.session import Database
from tests.backend.admin.conftest import SignIn, token_in

ADDRESS = "/projects/empty/settings/members"


def membership(filled: Database, email: str) -> tuple[bool, int]:
    with filled.read() as session:
        number = existing_account(session, email).id
        return is_member(session, project_by_key(session, "empty").id, number), number


def test_somebody_is_added_and_taken_out(sign_in: SignIn, filled: Database) -> None:
    curator, email = sign_in("curator"), "annotator@example.com"
    page = curator.get(ADDRESS).text
    assert "Nobody has annotated here yet" in page
    form = {"csrf_token": token_in(page), "email": email}
    assert "is a member now" in curator.get(curator.post(ADDRESS, data=form).location).text
    there, number = membership(filled, email)
    assert there
    again = curator.post(ADDRESS, data=form)
    assert "Nobody new" in curator.get(again.location).text
    answer = curator.post(f"{ADDRESS}/{number}/remove", data=form)
    assert "no member any more" in curator.get(answer.location).text
    assert membership(filled, email) == (False, number)
    assert curator.post(f"{ADDRESS}/{number}/remove", data=form).status_code == 404
    changes = curator.get("/projects/empty/settings/changes").text
    assert "member.add" in changes
    assert "member.remove" in changes
