"""The members of a project: added and taken out by curators, and by annotating."""

from backend.admin.frame.paging import OFFERED
from backend.db.accounts import add_account, existing_account
from backend.db.members import is_member
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Role
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


def test_of_many_accounts_some_are_offered_and_any_can_be_typed(
    sign_in: SignIn, filled: Database
) -> None:
    with filled.write() as session:
        for number in range(200):
            add_account(session, f"z{number:03}@example.com", role=Role.ANNOTATOR, name="김하늘")
    curator, admin, last = sign_in("curator"), sign_in("admin"), "z199@example.com"
    page = curator.get(ADDRESS).text
    tokens = admin.get("/tokens").text
    for one in (page, tokens):
        offered = one.split('<datalist id="people">')[1].split("</datalist>")[0]
        assert offered.count("<option") == OFFERED
        assert "김하늘" in offered
        assert last not in one
    form = {"csrf_token": token_in(page), "email": last}
    assert "is a member now" in curator.get(curator.post(ADDRESS, data=form).location).text
    form = {"csrf_token": token_in(tokens), "account": last, "name": "밤", "days": "30"}
    made = admin.post("/tokens", data={**form, "scopes": ["projects:read"]}).text
    assert f"acts for {last}" in made


def test_an_annotator_opens_the_projects_that_they_work_in(
    sign_in: SignIn, filled: Database
) -> None:
    annotator, curator = sign_in("annotator"), sign_in("curator")
    listed = annotator.get("/").text
    assert "/projects/general" in listed
    assert "/projects/empty" not in listed
    assert "/projects/empty" in curator.get("/").text
    for page in ("", "/live", "/annotators"):
        assert annotator.get(f"/projects/general{page}").status_code == 200
        assert annotator.get(f"/projects/empty{page}").status_code == 404
    form = {"csrf_token": token_in(curator.get(ADDRESS).text), "email": "annotator@example.com"}
    curator.post(ADDRESS, data=form)
    assert annotator.get("/projects/empty").status_code == 200
