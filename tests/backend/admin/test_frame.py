"""What every page has: navigation, language, charts, pages of a list, undo."""

import pytest
from flask import Flask, flash, get_flashed_messages, render_template_string

from backend.admin.charts.charts import VERSION
from backend.admin.frame.language import language
from backend.admin.frame.navigation import SECTIONS
from backend.admin.frame.paging import address_with, asked_after, page_of
from backend.admin.frame.permissions import ALLOWED
from backend.errors import DatabaseBusyError
from tests.backend.admin.conftest import SignIn, token_in


def test_the_navigation_shows_each_role_the_sections_it_may_open(sign_in: SignIn) -> None:
    page = sign_in("curator").get("/projects/general").text
    assert '<a href="/projects/general" aria-current="page">Overview</a>' in page
    assert '<a href="/projects/general/settings">Settings</a>' in page
    assert "/projects/general/settings" not in sign_in("annotator").get("/projects/general").text


def test_every_section_that_exists_has_a_role(app: Flask) -> None:
    for endpoint, _title in SECTIONS.values():
        assert (endpoint in app.view_functions) == (endpoint in ALLOWED)


@pytest.mark.parametrize(
    ("header", "chosen", "expected"),
    [("", None, "en"), ("ko-KR,ko;q=0.9", None, "ko"), ("fr", None, "en"), ("ko", "en", "en")],
)
def test_the_language_is_the_one_chosen_or_the_browsers(
    app: Flask, header: str, chosen: str | None, expected: str
) -> None:
    client = app.test_client()
    if chosen:
        form = {"language": chosen, "csrf_token": token_in(client.get("/login").text)}
        answer = client.post("/language", data={**form, "next": "/login"})
        assert (answer.status_code, answer.location) == (303, "/login")
    with client:
        page = client.get("/login", headers={"Accept-Language": header}).text
        assert language() == expected
    assert f'<html lang="{expected}">' in page


def test_the_language_outlives_signing_in_and_out(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("curator")
    token = token_in(client.get("/password").text)
    client.post("/language", data={"language": "ko", "csrf_token": token})
    client.post("/logout", data={"csrf_token": token})
    assert '<html lang="ko">' in client.get("/login").text


def test_an_unknown_language_and_an_address_elsewhere_are_refused(app: Flask) -> None:
    client = app.test_client()
    form = {"language": "xx", "csrf_token": token_in(client.get("/login").text)}
    assert client.post("/language", data=form).status_code == 400
    answer = client.post("/language", data={**form, "language": "ko", "next": "//elsewhere.com"})
    assert answer.location == "/"


def test_the_language_is_changed_on_a_page_that_answers_a_form(sign_in: SignIn) -> None:
    client, page = sign_in("curator"), "/projects/general/settings/label-studio"
    token = {"csrf_token": token_in(client.get(page).text)}
    referrer = {"Referer": f"http://localhost{page}?seen=1"}
    tested = client.post(f"{page}/test", data=token, headers=referrer)
    assert tested.status_code == 200
    assert f'name="next" value="{page}?seen=1"' in tested.text
    refused = client.post("/projects/general/settings", data=token).text  # it can be read itself
    assert 'name="next" value="/projects/general/settings"' in refused


def test_the_chart_library_is_kept_by_browsers(app: Flask) -> None:
    answer = app.test_client().get(f"/charts-{VERSION}.js")
    assert b"Chart.js" in answer.data[:200]
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert app.test_client().get("/charts-0.js").status_code == 404


def test_a_chart_carries_its_figures_as_a_table(app: Flask) -> None:
    config = {
        "type": "bar",
        "data": {
            "labels": ['a "label"', "b"],
            "datasets": [{"label": "Gold", "data": [1200, None], "backgroundColor": "--person"}],
        },
    }
    source = '{% from "_chart.html" import chart with context %}{{ chart("c", config, "Caption") }}'
    with app.test_request_context("/"):
        html = render_template_string(source, config=config)
    assert 'data-chart="{&#34;data&#34;:' in html
    assert '<th scope="row">a &#34;label&#34;</th><td class="num">1,200</td>' in html
    assert '<th scope="row">b</th><td class="num">–</td>' in html


def test_a_list_is_paged_by_its_last_key(app: Flask) -> None:
    page = page_of([1, 2, 3], key=lambda row: row, size=2)
    assert (page.rows, page.after) == ([1, 2], "2")
    assert page_of([1, 2], key=lambda row: row, size=2).after is None
    with app.test_request_context("/projects/general?after=7&key=a"):
        assert asked_after() == 7
        assert address_with(after=9) == "/projects/general?after=9&key=a"
        assert address_with(after=None) == "/projects/general?key=a"
    with app.test_request_context("/projects/general?after=-1"):
        assert asked_after() == 0


def test_what_was_done_can_be_undone_from_where_it_is_told(app: Flask) -> None:
    with app.test_request_context("/"):
        flash(("Three are accepted.", "/undo", {"items": "1 2 3"}), "undo")
        html = render_template_string('{% include "_flashes.html" %}')
        assert get_flashed_messages()
    assert '<form method="post" action="/undo">' in html
    assert 'name="items" value="1 2 3"' in html
    assert 'name="csrf_token"' in html


def test_numbers_that_no_database_holds_are_not_found(sign_in: SignIn) -> None:
    curator = sign_in("curator")
    for number in (2**63, 10**30):
        assert curator.get(f"/projects/general/duplicates/{number}").status_code == 404
        assert curator.get(f"/projects/general/models?after={number}").status_code == 200


def test_a_busy_database_is_told_as_that(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    curator = sign_in("curator")

    def busy(key: str) -> None:
        raise DatabaseBusyError(f"no turn for {key}")

    monkeypatch.setitem(app.view_functions, "models.show", busy)
    answer = curator.get("/projects/general/models")
    assert answer.status_code == 503
    assert "The database is busy now" in answer.text
