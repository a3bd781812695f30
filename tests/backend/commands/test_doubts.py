"""`goldloop doubts` and `goldloop errors`: list, decide, undo, told to people and as JSON."""

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from backend.commands.doubts import doubts_group
from backend.commands.errors import errors_group
from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from backend.settings import Settings
from tests.backend.admin.conftest import _filled, filled
from tests.backend.admin.doubt_data import find_doubts
from tests.backend.admin.error_data import find_errors

__all__ = ("_filled", "filled")


@pytest.fixture
def run(settings: Settings, filled: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))

    def ran(group: click.Group, *words: str) -> Any:
        result = CliRunner().invoke(group, [*words])
        if "--json" in words and result.exit_code == 0:
            return json.loads(result.stdout)
        return result

    return ran


def test_a_look_is_begun_and_stopped(run: Any) -> None:
    assert "has begun" in run(doubts_group, "find", "general").output
    assert run(doubts_group, "find", "general", "--json").exit_code != 0
    assert run(doubts_group, "find", "general", "--cancel", "--json")["state"] == "cancelled"


@pytest.mark.parametrize(
    ("group", "number"), [(doubts_group, "id"), (errors_group, "number")], ids=["doubts", "errors"]
)
def test_what_is_listed_is_decided_and_undone(
    run: Any, filled: Database, group: click.Group, number: str
) -> None:
    find_doubts(filled)
    find_errors(filled)
    told = run(group, "list", "general", "--kind", "label", "--limit", "3", "--json")
    assert len({one["document"] for one in told}) == 3
    assert told[0]["document"] in run(group, "list", "general", "--kind", "label").output
    if group is doubts_group:
        by_document = run(group, "list", "general", "--documents", "--limit", "90", "--json")
        assert len({one["document"] for one in by_document}) == len(by_document) == 60
    first = str(told[0][number])
    decided = run(group, "decide", "general", first, "model", "--json")
    assert (decided["about"], decided["verdict"]) == (int(first), "model")
    with filled.read() as session:
        its = select(Gold).where(Gold.source == GoldSource.DECISION)
        assert session.scalars(its).first() is not None
    assert run(group, "undo", "general", str(decided["decision"]), "--json")["undone"]
    assert "is kept" in run(group, "decide", "general", str(told[1][number]), "gold").output
    assert run(group, "decide", "general", "999999", "gold").exit_code != 0
    assert run(group, "sent", "general", "--json") == []
    last = told[2]
    made = run(group, "decide", "general", str(last[number]), "sent", "--json")
    assert made["verdict"] == "sent"
    waits = run(group, "sent", "general", "--json")
    assert [(one["about"], one["answered"]) for one in waits] == [(last[number], False)]
    assert f"waits\t{last['document']}" in run(group, "sent", "general").output
    before = str(waits[0]["decision"])
    assert run(group, "sent", "general", "--before", before, "--json") == []


def test_a_comparison_asks_for_what_it_lacks(run: Any) -> None:
    assert run(errors_group, "compare", "general", "--json") == {"compared": 0}
