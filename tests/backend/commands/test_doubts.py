"""`goldloop doubts`: find, list, decide and undo, told to people and as JSON."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from backend.commands.doubts import doubts_group
from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from backend.settings import Settings
from tests.backend.admin.conftest import _filled, filled
from tests.backend.admin.doubt_data import find_doubts

__all__ = ("_filled", "filled")


@pytest.fixture
def run(settings: Settings, filled: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))

    def ran(*words: str) -> Any:
        result = CliRunner().invoke(doubts_group, [*words])
        if "--json" in words and result.exit_code == 0:
            return json.loads(result.stdout)
        return result

    return ran


def test_a_look_is_begun_and_stopped(run: Any) -> None:
    assert "has begun" in run("find", "general").output
    assert run("find", "general", "--json").exit_code != 0
    assert run("find", "general", "--cancel", "--json")["state"] == "cancelled"


def test_the_queue_is_listed_and_decided(run: Any, filled: Database) -> None:
    ids = find_doubts(filled)
    told = run("list", "general", "--kind", "label", "--limit", "3", "--json")
    assert [one["kind"] for one in told] == ["label"] * 3
    assert str(ids[0]) in run("list", "general", "--limit", "1").output
    decided = run("decide", "general", str(told[0]["id"]), "proposal", "--json")
    with filled.read() as session:
        its = select(Gold).where(Gold.source == GoldSource.DECISION)
        assert session.scalars(its).first() is not None
    undone = run("undo", "general", str(decided["decision"]), "--json")
    assert undone == {"decision": decided["decision"], "doubt": told[0]["id"], "undone": True}
    assert "is kept" in run("decide", "general", str(told[1]["id"]), "gold").output
    assert run("decide", "general", "999999", "gold").exit_code != 0
