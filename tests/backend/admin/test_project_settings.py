"""A project's settings: every field of the model, refused with a sentence, nothing typed lost."""

import re

import pytest
from flask.testing import FlaskClient

from backend.admin.settings.project_settings import MODEL
from backend.admin.words.setting_words import SETTINGS
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.settings import ProjectSettings
from tests.backend.admin.conftest import SignIn, token_in

ADDRESS = "/projects/general/settings"
TYPED = {
    "retrain_threshold": "75",
    "gate_margin": "0.05",
    "gate_class_margin": "0.2",
    "gate_class_support": "30",
    "gate_min_documents": "12",
    "gate_when_little": "promote",
    "open_tasks": "500",
    "random_share": "0.25",
    "casefold": "yes",
    "near_threshold": "0.9",
    "min_support": "40",
}
TYPED = {  # those that stay as they are
    name: str(field.default)
    for name, field in ProjectSettings.model_fields.items()
    if name not in ("training", "selection")
} | TYPED


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


def send(client: FlaskClient, **changed: str) -> tuple[int, str]:
    token = token_in(client.get(ADDRESS).text)
    answer = client.post(ADDRESS, data={"csrf_token": token, **TYPED, **changed})
    return answer.status_code, answer.text


def stored(filled: Database) -> ProjectSettings:
    with filled.read() as session:
        return settings_of(project_by_key(session, "general"))


def test_every_setting_but_the_trainers_options_has_its_field(curator: FlaskClient) -> None:
    page = curator.get(ADDRESS).text
    fields = re.findall(r'<(?:input|select) id="(\w+)"', page)
    assert set(fields) == {*ProjectSettings.model_fields, *MODEL} - {"training", "selection"}
    for name in fields:
        assert str(SETTINGS[name].meaning).replace("'", "&#39;") in page


def test_what_is_typed_is_set_and_the_trainers_options_stay(
    curator: FlaskClient, filled: Database
) -> None:
    with filled.write() as session:
        project_by_key(session, "general").settings = {"training": {"dropout": 0.4, "epochs": 3}}
    assert send(curator, head="biaffine", epochs="7")[0] == 303
    training = {"dropout": 0.4, "head": "biaffine", "epochs": 7}
    expected = ProjectSettings.model_validate({**TYPED, "training": training})
    assert stored(filled) == expected
    assert "of 75" in curator.get("/projects/general").text


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("retrain_threshold", "0", "Give 1 or more."),
        ("retrain_threshold", "many", "Give a whole number."),
        ("retrain_threshold", "", "Give a whole number."),
        ("retrain_threshold", "2.5", "Give a whole number."),
        ("min_support", "few", "Give a whole number."),
        ("gate_margin", "nan", "Give 1 or less."),
        ("gate_margin", "a little", "Give a number."),
        ("random_share", "15", "Give 1 or less."),
        ("gate_when_little", "wait", "&#39;ask&#39; or &#39;promote&#39;"),
        ("autolabel_p", "1", "Give less than 1."),
        ("epochs", "0", "a whole number from 1"),
        ("head", "oracle", "cannot be"),
    ],
)
def test_a_senseless_value_is_refused_beside_its_field(
    curator: FlaskClient, filled: Database, name: str, typed: str, said: str
) -> None:
    status, page = send(curator, **{name: typed})
    assert status == 422
    assert said in page.split(f'id="{name}-error">')[1].split("</p>")[0]
    assert page.count("field-error") == 1
    for other, value in {**TYPED, name: typed}.items():
        if other not in ("gate_when_little", "casefold", "head"):
            assert f'name="{other}"' in page
            assert f'value="{value}"' in page  # nothing typed is lost
    assert stored(filled) == ProjectSettings()


def test_several_mistakes_are_all_told(curator: FlaskClient) -> None:
    _, page = send(curator, open_tasks="0", gate_margin="2", random_share="x")
    assert "the 3 fields marked" in page
    assert page.count("field-error") == 3


def test_the_form_needs_its_token(curator: FlaskClient) -> None:
    assert curator.post(ADDRESS, data=TYPED).status_code == 400


def test_a_minimum_support_that_is_left_empty_is_not_set(
    curator: FlaskClient, filled: Database
) -> None:
    assert send(curator, min_support="0")[0] == 303
    assert stored(filled).min_support == 0
    assert send(curator, min_support="")[0] == 303
    assert stored(filled).min_support is None


def test_two_curators_change_different_settings_and_neither_is_lost(
    curator: FlaskClient, sign_in: SignIn, filled: Database
) -> None:
    theirs = form_of(curator.get(ADDRESS).text)
    second = sign_in("admin")
    ours = form_of(second.get(ADDRESS).text) | {"open_tasks": "700", "epochs": "9"}
    assert second.post(ADDRESS, data=ours).status_code == 303
    wrong = curator.post(ADDRESS, data=theirs | {"gate_margin": "2", "head": "span"})
    assert wrong.status_code == 422
    again = form_of(wrong.text)
    assert again["gate_margin"] == "2"
    again |= {"gate_margin": "0.07", "head": "span"}
    assert curator.post(ADDRESS, data=again).status_code == 303
    kept = stored(filled)
    assert (kept.open_tasks, kept.gate_margin) == (700, 0.07)
    assert kept.training == {"epochs": 9, "head": "span"}


def undo_in(page: str) -> str:
    """The number of the change that a page offers to undo."""
    found = re.search(r'name="change" value="(\d+)"', page)
    assert found
    return found[1]


def test_what_was_saved_is_undone_unless_it_has_been_changed_since(
    curator: FlaskClient, filled: Database
) -> None:
    assert send(curator, open_tasks="700", epochs="9")[0] == 303
    page = curator.get("/projects/general").text
    saved, form = undo_in(page), {"csrf_token": token_in(page)}
    done = curator.post(f"{ADDRESS}/undo", data={**form, "change": saved}, follow_redirects=True)
    assert "The settings are as they were." in done.text
    assert stored(filled) == ProjectSettings()
    done = curator.post(f"{ADDRESS}/undo", data={**form, "change": saved}, follow_redirects=True)
    assert "The settings have been changed since" in done.text
    assert curator.post(f"{ADDRESS}/undo", data={**form, "change": "999999"}).status_code == 404


def test_strategies_that_were_saved_are_undone_on_their_own_page(
    curator: FlaskClient, filled: Database
) -> None:
    address = "/projects/general/selection"
    form = {"csrf_token": token_in(curator.get(address).text)}
    page = curator.post(address, data={**form, "random": "1"}, follow_redirects=True).text
    assert stored(filled).selection == {"random": 1.0}
    done = curator.post(f"{ADDRESS}/undo", data={**form, "change": undo_in(page)})
    assert done.location == address
    assert stored(filled).selection == {"mnlp": 1.0}


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the page's form."""
    form = page.split('<form class="settings"')[1].partition("</form>")[0]
    fields = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form))
    for name, options in re.findall(r'<select id="(\w+)"(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields
