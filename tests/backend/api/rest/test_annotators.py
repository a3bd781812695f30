"""What the API tells of annotators: bias and flags, agreement, and shared documents that wait."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.workflow.annotators import kept_figures
from backend.workflow.annotators.figures import AnnotatorFigures, annotator_figures
from tests.backend.admin.people_data import SHARED, WAITING, add_shared_work
from tests.backend.api.rest.conftest import Program

AGREEMENT = "/projects/general/agreement"


@pytest.fixture
def ask(program: Callable[..., Program], filled: Database) -> Program:
    with filled.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    return program("curator")


def test_who_accepts_wrong_pre_labels_is_flagged(ask: Program) -> None:
    people = {one["email"]: one for one in ask("GET", "/projects/general/annotators").json["items"]}
    lazy, careful = people["annotator@example.com"], people["annotator-2@example.com"]
    assert lazy["test"]["flagged"]
    assert not careful["test"]["flagged"]
    assert lazy["with_and_without"]["stood"]["stood"] > 20
    assert careful["with_and_without"]["blind"]["documents"] == 30


def test_annotators_are_told_their_own_figures_and_no_test_of_themselves(
    ask: Program, program: Callable[..., Program]
) -> None:
    (own,) = program("annotator")("GET", "/projects/general/annotators").json["items"]
    assert own["documents"] > 0
    assert own["test"] is own["with_and_without"] is None


def test_agreement_is_told_by_label_and_pair_with_disagreements(ask: Program) -> None:
    told = ask("GET", AGREEMENT).json
    assert told["overall"]["documents"] == SHARED
    (pair,) = ask("GET", f"{AGREEMENT}/pairs").json["items"]
    assert {pair["first"], pair["second"]} == {"annotator@example.com", "annotator-2@example.com"}
    assert pair["f1"] == told["overall"]["f1"] == pytest.approx(0.889, abs=0.001)
    apart = ask("GET", f"{AGREEMENT}/disagreements").json["items"]
    assert len(apart) == SHARED - told["exact"]
    assert {one["decided"] for one in apart} == {True, False}
    assert all(len(one["said"]) == 2 for one in apart)
    assert ask("GET", "/projects/empty/agreement").json["overall"]["f1"] is None
    for listed in ("pairs", "disagreements", "waiting"):
        assert ask("GET", f"/projects/empty/agreement/{listed}").json["items"] == []


def test_pages_of_a_list_count_the_figures_once(
    ask: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def count(session: Session, project_id: int) -> AnnotatorFigures:
        counted.append(project_id)
        return annotator_figures(session, project_id)

    monkeypatch.setattr(kept_figures, "annotator_figures", count)
    whole = ask("GET", f"{AGREEMENT}/disagreements").json["items"]
    found: list[dict[str, object]] = []
    after = ""
    while after is not None:
        page = ask("GET", f"{AGREEMENT}/disagreements?limit=1{after and f'&after={after}'}").json
        found += page["items"]
        after = page["next"]
    assert found == whole
    assert len(whole) > 1
    assert len(counted) == 1


def test_what_waits_is_settled_and_waits_again(
    ask: Program, program: Callable[..., Program]
) -> None:
    waiting = ask("GET", f"{AGREEMENT}/waiting").json["items"]
    assert len(waiting) == WAITING
    settled = ask("POST", f"{AGREEMENT}/settle", json={"document_ids": waiting}).json
    assert settled["documents"] == [{"document_id": one, "annotators": 2} for one in waiting]
    assert ask("GET", f"{AGREEMENT}/waiting").json["items"] == []
    assert ask("POST", f"{AGREEMENT}/settle", json={"document_ids": waiting}).status_code == 409
    assert ask("POST", f"{AGREEMENT}/wait", json=settled).json == settled
    assert ask("GET", f"{AGREEMENT}/waiting").json["items"] == waiting
    one_more = {"documents": [{"document_id": 10**9, "annotators": 2}]}
    assert ask("POST", f"{AGREEMENT}/wait", json=one_more).status_code == 404
    assert program("annotator")("GET", AGREEMENT).status_code == 403
