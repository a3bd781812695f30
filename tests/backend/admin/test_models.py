"""The pages of models: versions, one in full, two compared, and a run with choices of its own."""

import io
import re
import tarfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Run, RunState, Version
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.model_data import leave_course, leave_reports
from tests.backend.admin.queries import assert_few_queries

MODELS = "/projects/general/models"


@pytest.fixture
def curator(sign_in: SignIn, filled: Database, settings: Settings) -> FlaskClient:
    leave_reports(filled, settings.jobs)
    return sign_in("curator")


def told(client: FlaskClient, action: str, **form: object) -> str:
    """Send a form of the page of models; the sentence that comes back there."""
    token = token_in(client.get(MODELS).text)
    form = {"csrf_token": token, "back": MODELS, **form}
    answer = client.post(f"/projects/general/{action}", data=form)
    assert (answer.status_code, answer.location) == (303, MODELS)
    return client.get(MODELS).text.split('class="notice ')[1].split("</li>")[0]


def test_versions_are_listed_with_the_gates_reasons(curator: FlaskClient) -> None:
    page = curator.get(MODELS).text
    rows = page.split('data-testid="version"')[1:]
    assert [re.findall(r">(v\d)</a>", row)[0] for row in rows] == ["v4", "v3", "v2", "v1"]
    assert "refused" in rows[0]
    assert "difference" in rows[0]  # the sentence of the gate
    assert "Roll back" in rows[2]
    assert "Roll back" not in rows[0] + rows[1]
    assert "100 more documents" in page
    assert "412 of 900" in page  # what trains now


def test_a_version_is_shown_in_full(curator: FlaskClient) -> None:
    page = curator.get(f"{MODELS}/v3").text
    for part in ("decision", "heat", "kinds", "calibration", "confusion", "course"):
        assert f'data-testid="{part}"' in page
    heat = page.split('data-testid="heat"')[1].split("</table>")[0]
    assert heat.count('<th scope="row">') == 34  # all labels together, and each of 33
    assert re.search(r"0\.\d{3}<span class=\"range\">0\.\d{3} – 0\.\d{3}", heat)
    assert "Compare with the champion" not in page
    assert "first=v3&amp;second=v2" in curator.get(f"{MODELS}/v2").text


def test_a_version_whose_run_left_no_report_says_so(sign_in: SignIn, filled: Database) -> None:
    page = sign_in("curator").get(f"{MODELS}/v3").text
    assert "left no full report" in page
    assert "Strict F1" in page  # what the gate measured is there


def test_any_two_versions_are_compared_on_the_documents_of_both(curator: FlaskClient) -> None:
    page = curator.get(f"{MODELS}/compare?first=v1&second=v3").text
    assert "240 gate documents" in page
    whole = page.split('class="whole"')[1].split("</tr>")[0]
    assert "+0." in whole
    assert "better" in whole
    back = curator.get(f"{MODELS}/compare?first=v3&second=v1").text
    assert "worse" in back.split('class="whole"')[1].split("</tr>")[0]
    assert curator.get(f"{MODELS}/compare?first=v1&second=v9").status_code == 404


def test_versions_of_another_part_of_the_list_can_be_chosen_too(
    curator: FlaskClient, filled: Database
) -> None:
    with filled.read() as session:
        second = session.scalars(select(Version.id).where(Version.name == "v2")).one()
    page = curator.get(f"{MODELS}?after={second}").text
    assert page.count('data-testid="version"') == 1
    offered = page.split('class="compare"')[1].split("</form>")[0]
    assert re.findall(r"<option[^>]*>(v\d)", offered) == ["v4", "v3", "v2", "v1"] * 2
    assert re.findall(r"<option selected>(v\d)", offered) == ["v4", "v1"]


def test_two_versions_without_a_common_document_are_not_compared(
    curator: FlaskClient, filled: Database
) -> None:
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.folder.endswith("run-of-v1"))).one()
    JobFolder(Path(run.folder)).outcomes.unlink()
    page = curator.get(f"{MODELS}/compare?first=v1&second=v2").text
    assert "cannot be compared label by label" in page


def test_the_folder_of_a_version_is_downloaded_whole(
    curator: FlaskClient, settings: Settings
) -> None:
    assert curator.get(f"{MODELS}/v3/download").status_code == 404  # not in the store
    folder = settings.models / "general" / "versions" / "v3"
    (folder / "members").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(bytes(range(256)) * 5000)
    (folder / "members" / "설정.json").write_text("{}")
    (folder / "empty").touch()
    answer = curator.get(f"{MODELS}/v3/download")
    assert "general-v3.tar" in answer.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        content = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}
    assert content == {
        "general-v3/weights.safetensors": bytes(range(256)) * 5000,
        "general-v3/members/설정.json": b"{}",
        "general-v3/empty": b"",
    }


def test_a_run_begins_with_the_choices_made_for_it(curator: FlaskClient, filled: Database) -> None:
    assert "make your choices when it has ended" in told(curator, "retrain", epochs="3")
    with filled.write() as session:
        session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one().state = "failed"
    assert "Epochs must be a whole number" in told(curator, "retrain", epochs="0")
    assert "Head cannot be" in told(curator, "retrain", head="none")
    told(curator, "retrain", epochs="3", head="span", encoder="", start="champion")
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.QUEUED)).one()
        assert run.options == {"epochs": 3, "head": "span", "start": "champion"}


def test_the_course_of_the_training_is_drawn_as_it_goes(
    curator: FlaskClient, filled: Database
) -> None:
    assert 'id="course"' not in curator.get(f"{MODELS}/live").text
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    leave_course(JobFolder(Path(run.folder)), 80)
    live = curator.get(f"{MODELS}/live").text
    assert 'id="course"' in live
    assert live == curator.get(f"{MODELS}/live").text
    assert "csrf_token" not in live


def test_the_pages_take_few_queries(curator: FlaskClient) -> None:
    paths = ("", "/live", "/v3", "/compare?first=v1&second=v3")
    assert_few_queries(curator, *(MODELS + path for path in paths))


def test_a_project_without_versions_says_how_to_get_one(sign_in: SignIn) -> None:
    page = sign_in("curator").get("/projects/empty/models").text
    assert "No version yet" in page
    main = re.findall(r'class="(?:button )?main"[^>]*>([^<]*)', page)
    assert main == ["What comes first"], "there is no gold to train from"
    assert sign_in("curator").get("/projects/empty/models/v1").status_code == 404


def test_a_form_sends_nobody_elsewhere(curator: FlaskClient) -> None:
    token = token_in(curator.get(MODELS).text)
    form = {"csrf_token": token, "back": "https://elsewhere.example.com/"}
    assert curator.post("/projects/general/cancel", data=form).location == "/"
