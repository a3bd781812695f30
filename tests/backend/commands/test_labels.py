"""`goldloop labels` as people type it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from backend.commands.labels import labels
from backend.db.gold import NewGold, put_gold
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import GoldSource, now
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.settings import Settings
from ml_backend.contract.label_studio import parse_label_config
from tests.backend.workflow.loop_data import add_documents, add_project

CONFIG = """<View>
  <Labels name="label" toName="text">
    <Label value="사람"/>
    <Label value="人物"/>
  </Labels>
  <Text name="text" value="$text"/>
</View>
"""


@pytest.fixture(autouse=True)
def _filled(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Project p with three 사람 in two documents and one 人物."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    monkeypatch.setenv("COLUMNS", "120")
    with database.write() as session:
        project = add_project(session)
        project.label_config, project.labels = CONFIG, ["사람", "人物"]
        project.gold_revision = 1
        documents = add_documents(session, project, ["가나다", "라마바"])
        held = (["사람", "사람", "人物"], ["사람"])
        golds = [
            NewGold(
                document.id,
                [{"start": n, "end": n + 1, "label": label} for n, label in enumerate(names)],
                GoldSource.IMPORTED,
                1,
                now(),
            )
            for document, names in zip(documents, held, strict=True)
        ]
        put_gold(session, project, golds)


def typed(*words: str) -> Result:
    return CliRunner().invoke(labels, list(words))


def read(*words: str) -> dict:
    return json.loads(typed(*words, "--json").stdout)


def test_the_balance_is_told_and_drawn():
    first, second = read("balance", "p")["labels"]
    assert (first["label"], first["gold"]) == ("사람", {"entities": 3, "documents": 2})
    assert (second["label"], second["gold"]) == ("人物", {"entities": 1, "documents": 1})
    picture = typed("balance", "p").stdout
    bars = [line.count("█") for line in picture.splitlines() if "█" in line]
    assert bars == [30, 10]
    framed = [line for line in picture.splitlines() if line.startswith("│")]
    assert len({cell_len(line) for line in framed}) == 1  # 한글 and 漢字 are two columns wide


def test_what_would_change_is_told_and_nothing_does():
    found = read("what-if", "p", "--min-support", "2", "--documents", "9")
    assert [change["label"] for change in found["changes"]] == ["人物"]
    assert (found["entities"], found["documents"], found["left_out"]) == (1, 1, {"人物": 1})
    assert [name[:6] for name in found["document_ids"]] == ["000000"]
    merged = read("what-if", "p", "--merge", "人物=사람", "--rename", "사람=PERSON")
    assert merged["trained"] == {"PERSON": 4}
    assert "would be trained as" in typed("what-if", "p", "--merge", "人物=사람").stdout
    assert typed("mappings", "p", "--json").stdout == ""


def test_renaming_merging_and_taking_it_back(database: Database):
    assert "3 entities in 2 documents change" in typed("rename", "p", "사람=PERSON").output
    assert "mapping 2" in typed("merge", "p", "人物=PERSON", "--reason", "rare").output
    told = typed("list", "p").stdout
    assert told.count("PERSON") == 2
    assert "mapping 3 is mapping 1 again" in typed("restore", "p", "1").output
    rows = [json.loads(line) for line in typed("mappings", "p", "--json").stdout.splitlines()]
    assert [row["mapping"] for row in rows] == [
        {"사람": "PERSON"},
        {"사람": "PERSON", "人物": "PERSON"},
        {"사람": "PERSON"},
    ]
    assert (rows[1]["reason"], rows[1]["made_by"]) == ("rare", "command line")
    assert "사람 → PERSON" in typed("mappings", "p").stdout
    with database.read() as session:
        project = project_by_key(session, "p")
        assert project.labels == ["사람", "人物"]


def test_a_label_is_added_to_the_project_and_its_configuration(database: Database):
    assert "p has 음식/식재료, a & b now" in typed("add", "p", "음식/식재료", "a & b").output
    with database.read() as session:
        project = project_by_key(session, "p")
        added = ["사람", "人物", "음식/식재료", "a & b"]
        assert project.labels == added
        assert project.label_since == {"a & b": 1, "음식/식재료": 1}
        assert list(parse_label_config(project.label_config).labels) == added
        assert project.label_config.count("\n") == CONFIG.count("\n") + 2
    assert "revision 2 of gold" in typed("list", "p").stdout


def test_labels_that_are_hardly_learned_are_suggested():
    told = typed("balance", "p")
    assert told.exception is None
    assert "hardly learned" not in told.output  # all of them would be


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["rename", "p", "nobody=사람"], NotFoundError),
        (["merge", "p", "사람=사람"], InvalidInputError),
        (["add", "p", "사람"], InvalidInputError),
        (["add", "p", " padded"], InvalidInputError),
        (["restore", "p", "0"], ConflictError),
        (["restore", "p", "7"], NotFoundError),
        (["balance", "nowhere"], NotFoundError),
        (["rename", "p", "사람"], SystemExit),
    ],
)
def test_what_cannot_be_is_one_sentence(words, error):
    assert isinstance(typed(*words).exception, error)
