"""The page of selection: strategies set and refused, the queue, batches; command and API alike."""

import json

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from backend.admin.words.strategy_words import FAMILIES, WORDS
from backend.commands.project import project as project_command
from backend.commands.selection import selection as selection_command
from backend.db.audit_log import audit_entries
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.settings import Settings
from backend.workflow.strategies.registry import STRATEGIES
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.queries import assert_few_queries
from tests.backend.admin.selection_data import add_batches

ADDRESS = "/projects/empty/selection"


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


@pytest.fixture
def batches(filled: Database) -> list[int]:
    with filled.write() as session:
        found = add_batches(session, project_by_key(session, "empty"))
        return [batch.id for batch in found]


def mixture(filled: Database) -> dict[str, float]:
    with filled.read() as session:
        return settings_of(project_by_key(session, "empty")).selection


def send(client: FlaskClient, **weights: str) -> tuple[int, str]:
    token = token_in(client.get(ADDRESS).text)
    data = {"csrf_token": token, **dict.fromkeys(STRATEGIES, ""), **weights}
    answer = client.post(ADDRESS, data=data)
    return answer.status_code, answer.text


def test_pages_call_the_strategies_as_the_registry_does() -> None:
    told = {key: (str(title), str(when)) for key, (title, when) in WORDS.items()}
    assert told == {key: (one.title, one.when) for key, one in STRATEGIES.items()}
    assert list(WORDS) == list(STRATEGIES)
    assert sorted(name for _title, names in FAMILIES for name in names) == sorted(STRATEGIES)


def test_each_strategy_says_how_often_the_champion_reads(curator: FlaskClient) -> None:
    page = curator.get(ADDRESS).text
    told = {key: page.split(f'id="{key}-cost">')[1].partition("<")[0] for key in STRATEGIES}
    assert {told.pop(key) for key in ("badge", "k_means", "k_center", "density")} == {
        "1 reading, and comparing"
    }
    assert (told.pop("random"), told.pop("disagreement")) == ("no reading", "6 readings")
    assert set(told.values()) == {"1 reading"}


def test_an_empty_project_says_what_will_be_there(curator: FlaskClient) -> None:
    page = curator.get(ADDRESS).text
    assert "No task is open." in page
    assert 'data-testid="batches"' not in page
    assert "Nothing was timed yet, so cost is assumed" in page
    for _title, when in WORDS.values():
        assert str(when).replace("'", "&#39;") in page


def test_weights_are_set_and_empty_ones_leave_a_strategy_out(
    curator: FlaskClient, filled: Database
) -> None:
    assert mixture(filled) == {"mnlp": 1.0}
    assert send(curator, margin="2", cost="0,5", random="0")[0] == 303
    assert mixture(filled) == {"margin": 2.0, "cost": 0.5}
    page = curator.get(ADDRESS).text
    assert 'value="0.5"' in page
    assert "The strategies are saved" in page
    with filled.read() as session:
        newest = audit_entries(session, limit=1)[0]
    assert (newest.action, newest.after) == (
        "settings.change",
        {"selection": {"margin": 2.0, "cost": 0.5}},
    )


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"mnlp": "much"}, "Give a number of 0 or more."),
        ({"mnlp": "-1", "cost": "nan"}, "see the 2 fields marked below"),
        ({"mnlp": "1e999"}, "Give a number of 0 or more."),
        ({"mnlp": "0"}, "Give one strategy at least a weight."),
    ],
)
def test_what_cannot_be_is_marked_and_nothing_is_saved(
    curator: FlaskClient, filled: Database, weights: dict[str, str], told: str
) -> None:
    status, page = send(curator, **weights)
    assert (status, mixture(filled)) == (422, {"mnlp": 1.0})
    assert told in page


def test_the_queue_and_the_batches_are_shown_in_their_order(
    curator: FlaskClient, batches: list[int]
) -> None:
    page = curator.get(ADDRESS).text
    queue = page.split('data-testid="queue"')[1].split("</section>")[0]
    places = [queue.index(f"11-{place} ") for place in range(3)]
    assert places == sorted(places)
    assert queue.count("at random") == 1
    assert queue.count("Least confidence (MNLP) 0.375") == queue.count("not scored yet") == 1
    assert queue.count(f"batch {batches[-1]}") == 3
    assert "2 × Least confidence (MNLP) + Cost + 0.5 × Diversity (k-means++)" in page
    assert page.count('data-testid="batch"') == 10
    older = curator.get(f"{ADDRESS}?after={batches[2]}").text
    assert older.count('data-testid="batch"') == 2
    assert "no version yet: by chance" in older


def test_the_page_takes_few_queries(curator: FlaskClient, batches: list[int]) -> None:
    assert_few_queries(curator, ADDRESS)


def test_the_command_shows_and_changes_the_same(
    filled: Database, settings: Settings, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    run = CliRunner().invoke
    done = run(project_command, ["set", "empty", "selection=margin:2+k_means"])
    assert done.exit_code == 0, done.output
    told = json.loads(run(selection_command, ["empty", "--json", "--next", "2"]).output)
    assert told["selection"] == {"margin": 2.0, "k_means": 1.0}
    first, second = told["next"]
    assert (first["id"], second["id"]) == ("batch-11-0", "batch-11-1")
    assert (first["reason"], first["scores"]) == ("ranked", {"margin": 0.25, "k_means": None})
    assert (second["reason"], second["scores"]) == ("unscored", {})
    assert told["batches"][0] == {
        "id": batches[-1],
        "mixture": {"mnlp": 2.0, "cost": 1.0, "k_means": 0.5},
        "version": "v9",
        "documents": 3,
        "at_random": 1,
        "open": 3,
        "tab": 77,
    }
    assert told["cost"]["documents"] == 0
    text = run(selection_command, ["empty"]).output
    assert "batch-11-0 margin 0.25, k_means" in text
    assert "batch-11-2 at random" in text
    assert "15% of what people see" in text
    assert run(project_command, ["set", "empty", "selection=luck"]).exit_code != 0
