"""Selection by the API: the same strategies, queue and batches as the page's."""

import pytest

from backend.db.projects import project_by_key
from tests.backend.admin.selection_data import add_batches

PROJECT = "/projects/empty"


@pytest.fixture
def ask(filled, program):
    with filled.write() as session:
        add_batches(session, project_by_key(session, "empty"), 3)
    return program("curator")


def weights(told) -> dict[str, float]:
    return {one["key"]: one["weight"] for one in told["strategies"] if one["weight"]}


def test_strategies_are_told_and_set(ask) -> None:
    told = ask("GET", f"{PROJECT}/selection").json
    assert told["random_share"] == 0.15
    assert weights(told) == {"mnlp": 1.0}
    assert all(one["when"] for one in told["strategies"])
    wanted = {"weights": {"margin": 2, "k_means": 0.5}}
    answer = ask("PUT", f"{PROJECT}/selection", json=wanted)
    assert (answer.status_code, weights(answer.json)) == (200, wanted["weights"])
    shown = ask("GET", f"{PROJECT}/settings").json
    assert shown["selection"] == wanted["weights"]


@pytest.mark.parametrize(
    "wanted", [{}, {"luck": 1}, {"mnlp": 0}, {"mnlp": -1}, {"mnlp": "much"}, {"mnlp": None}]
)
def test_what_cannot_be_is_refused(ask, wanted) -> None:
    answer = ask("PUT", f"{PROJECT}/selection", json={"weights": wanted})
    assert 400 <= answer.status_code < 500
    assert weights(ask("GET", f"{PROJECT}/selection").json) == {"mnlp": 1.0}


def test_the_queue_and_the_batches_are_listed(ask) -> None:
    queue = ask("GET", f"{PROJECT}/queue?limit=2").json["items"]
    assert [one["document"] for one in queue] == ["batch-2-0", "batch-2-1"]
    assert [one["reason"] for one in queue] == ["ranked", "unscored"]
    assert [one["scores"] for one in queue] == [{"mnlp": 0.375}, {}]
    page = ask("GET", f"{PROJECT}/batches?limit=2").json
    first, second = page["items"]
    assert (first["tab"], first["open"], first["at_random"]) == (77, 3, 1)
    assert first["id"] > second["id"]
    assert queue[0]["batch"] == first["id"]
    (last,) = ask("GET", f"{PROJECT}/batches?after={page['next']}").json["items"]
    assert last["weights"] == {}
