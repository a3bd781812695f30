"""The audit log as pages: who, when, before, after; of a project, and of everything."""

import ast
from pathlib import Path

import pytest
from flask import Flask

import backend
from backend.admin.settings.audit import told
from backend.admin.words.action_words import ACTIONS, KINDS, action, subject
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.loop.autolabel_decisions import STAGES
from tests.backend.admin.conftest import SignIn, token_in


@pytest.fixture
def log(filled: Database) -> None:
    with filled.write() as session:
        number = project_by_key(session, "general").id
        for turn in range(55):
            record(
                session, "curator@example.com", "run.begin", project_id=number, subject=f"r{turn}"
            )
        record(
            session,
            "admin@example.com",
            "account.role",
            subject="<b>x</b>",
            before="annotator",
            after={"역할": ["curator"]},
        )


def test_a_project_s_changes_are_its_own_and_paged(sign_in: SignIn, log: None) -> None:
    curator = sign_in("curator")
    page = curator.get("/projects/general/settings/changes").text
    assert page.count('data-testid="change"') == 50
    assert "account.role" not in page
    assert "training run begun" in page
    after = page.split("?after=")[1].split('"')[0]
    rest = curator.get(f"/projects/general/settings/changes?after={after}").text
    assert rest.count('data-testid="change"') == 5


def test_all_changes_are_told_with_before_and_after(sign_in: SignIn, log: None) -> None:
    admin = sign_in("admin")
    page = admin.get("/changes?kind=account&who=admin").text
    assert page.count('data-testid="change"') == 1
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "annotator" in page
    assert "역할" in page
    assert "No change is noted" in admin.get("/changes?who=nobody").text


def test_a_changed_setting_stands_in_it(sign_in: SignIn) -> None:
    curator = sign_in("curator")
    address = "/projects/empty/settings"
    page = curator.get(address).text
    form = {"csrf_token": token_in(page)}
    for line in page.split("<input id=")[1:]:
        form[line.split('"')[1]] = line.split('value="')[1].split('"')[0]
    form |= {"casefold": "no", "gate_when_little": "ask", "open_tasks": "17"}
    assert curator.post(address, data=form).status_code == 303
    changes = curator.get(f"{address}/changes").text
    assert "Open tasks" in changes
    assert "17" in changes
    assert "2000" in changes


def test_every_change_that_is_noted_has_words_and_every_kind_can_be_chosen(
    sign_in: SignIn, log: None
) -> None:
    noted = {"job.cancel", "job.retry", *(f"autolabel.{one}" for one in STAGES)}
    for file in Path(*backend.__path__).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "record":
                action = node.args[2]
                noted |= {str(action.value)} if isinstance(action, ast.Constant) else set()
    assert noted == set(ACTIONS)
    assert {action.partition(".")[0] for action in noted} == set(KINDS)
    page = sign_in("admin").get("/changes").text
    assert all(f'<option value="{kind}"' in page for kind in KINDS)


def test_changes_are_read_in_korean(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "ko"}):
        assert action("settings.change") == "설정 변경"
        assert subject("autolabel run 12") == "자동 레이블링 실행 12"
        assert subject("12 documents from 4 on") == "4번부터 문서 12건"
        assert subject("document note-7") == "문서 note-7"
        assert subject("look 2") == "살펴보기 2"
        assert told({"open_tasks": 9, "training.epochs": 3, "역할": "curator"}) == [
            ("열린 작업 수", "9"),
            ("에폭", "3"),
            ("역할", "큐레이터"),
        ]
        assert told({"with_gold": 3, "labels": ["사람", "수"], "filters": {}}) == [
            ("정답 있음", "3"),
            ("레이블", "사람, 수"),
            ("필터", "–"),
        ]
        assert action("what.nobody_knows") == "what.nobody_knows"
