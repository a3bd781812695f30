"""`goldloop duplicates`, `conflicts` and `surface-forms` as people type them."""

import json

import pytest
from click.testing import CliRunner

from backend.commands.conflicts import conflicts
from backend.commands.duplicates import duplicates
from backend.commands.surface_forms import surface_forms
from backend.db.session import Database
from backend.db.tables import Document, Gold, GoldSource
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.loop import near as searching
from backend.workflow.duplicates.normal_form import group_key
from tests.backend.workflow.loop_data import add_project

TEXTS = {
    "a": "김가나 씨는 오늘 오후 늦게 서울 시청에 다녀왔다",
    "b": "김가나 씨는  오늘 오후 늦게 서울 시청에 다녀왔다",
    "c": "김가나 씨는 오늘 오후 늦게 서울 시청에 다녀왔다",
    "d": "이다라 씨는 오늘 오후 늦게 서울 시청에 다녀왔다",
    "e": "아무도 모르는 전혀 다른 이야기",
}
GOLD = {"a": [(0, 3, "PS")], "b": [(0, 3, "LC")], "c": [(0, 3, "PS")], "d": [(16, 18, "LC")]}


@pytest.fixture
def typed(settings, database: Database, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    with database.write() as session:
        project = add_project(session, near_threshold=0.8)
        for name, text in TEXTS.items():
            document = Document(
                project_id=project.id, external_id=name, text=text, group_key=group_key(text)
            )
            session.add(document)
            session.flush()
            if name in GOLD:
                entities = [{"start": s, "end": e, "label": label} for s, e, label in GOLD[name]]
                session.add(
                    Gold(
                        document_id=document.id,
                        project_id=project.id,
                        entities=entities,
                        source=GoldSource.IMPORTED,
                        revision=1,
                    )
                )

    def run(command, *words):
        told = CliRunner().invoke(command, list(words))
        if told.exception is not None and not isinstance(told.exception, SystemExit):
            raise told.exception
        return told

    return run


def read(told):
    return json.loads(told.stdout)


def test_duplicates_are_found_listed_and_shown(typed) -> None:
    told = typed(duplicates, "find", "p")
    assert "5 of 5 documents were new; 4 have near copies, in 1 groups" in told.stdout
    found = read(typed(duplicates, "find", "p", "--json"))
    assert (found["looked_at"], found["exact_copies"], found["near_documents"]) == (0, 2, 4)
    listed = read(typed(duplicates, "list", "p", "--json"))["groups"]
    assert [(group["kind"], group["name"], group["documents"]) for group in listed] == [
        ("exact", "a", 3),
        ("near", "a", 4),
    ]
    assert "near_groups".replace("_", " ") in typed(duplicates, "list", "p").stdout
    shown = read(typed(duplicates, "show", "p", "b", "--json"))["members"]
    assert [(row["name"], row["exact"], row["canonical"]) for row in shown] == [
        ("a", True, True),
        ("b", True, False),
        ("c", True, False),
        ("d", False, True),
    ]
    assert [row["similarity"] >= 0.8 for row in shown] == [True] * 4
    assert shown[0]["similarity"] == 1.0
    assert "canonical" in typed(duplicates, "show", "p", "a").stdout
    with pytest.raises(NotFoundError):
        typed(duplicates, "show", "p", "nobody")


def test_ctrl_c_is_told_and_the_next_search_goes_on(typed, monkeypatch) -> None:
    monkeypatch.setattr(searching, "CHUNK", 2)
    keep = searching.NearIndex.keep
    kept = []

    def interrupted(index, progress) -> None:
        if kept:
            raise KeyboardInterrupt
        kept.append(progress)
        keep(index, progress)

    monkeypatch.setattr(searching.NearIndex, "keep", interrupted)
    told = typed(duplicates, "find", "p")
    assert told.exit_code == 130
    assert "goldloop duplicates find p goes on from here" in told.stderr
    monkeypatch.setattr(searching.NearIndex, "keep", keep)
    assert "3 of 5 documents were new; 4 have near copies" in typed(duplicates, "find", "p").stdout


def test_conflicts_are_listed_shown_and_decided(typed, database: Database) -> None:
    typed(duplicates, "find", "p")
    listed = read(typed(conflicts, "list", "p", "--json"))
    assert (listed["exact"], listed["near"]) == (1, 1)
    exact, near = listed["conflicts"]
    assert [variant["documents"] for variant in exact["variants"]] == [["a", "c"], ["b"]]
    assert exact["variants"][1]["differences"] == [
        {"kind": "relabelled", "before": "김가나/PS", "after": "김가나/LC"}
    ]
    assert near["variants"][1]["differences"][0]["after"] == "서울/LC"
    assert "relabelled 김가나/PS → 김가나/LC" in typed(conflicts, "show", "p", "b").stdout
    assert "1 groups of exact copies differ" in typed(conflicts, "list", "p").stdout

    decided = read(typed(conflicts, "decide", "p", "b", "--majority", "--reason", "x", "--json"))
    assert decided["documents"] == ["a", "b", "c"]
    assert read(typed(conflicts, "list", "p", "--kind", "exact", "--json"))["exact"] == 0
    assert "김가나" in TEXTS["b"]
    with database.read() as session:
        found = session.query(Gold).filter_by(source=GoldSource.DECISION).count()
    assert found == 3
    with pytest.raises(ConflictError, match="agree"):
        typed(conflicts, "decide", "p", "b", "--majority")
    assert "withdrawn from a, b, c" in typed(conflicts, "withdraw", "p", "a").stdout
    assert read(typed(conflicts, "list", "p", "--kind", "exact", "--json"))["exact"] == 1


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["--variant", "2"], "LC"),
        (["--like", "b"], "LC"),
        (["--entities", '[{"start": 0, "end": 3, "label": "PS"}]'], "PS"),
    ],
)
def test_what_to_decide_can_be_said_in_several_ways(
    typed, database: Database, words: list[str], label: str
) -> None:
    typed(duplicates, "find", "p")
    typed(conflicts, "decide", "p", "a", *words)
    with database.read() as session:
        golds = session.query(Gold).filter_by(source=GoldSource.DECISION).all()
    assert [gold.entities[0]["label"] for gold in golds] == [label] * 3


def test_a_survey_counts_what_the_pages_list(typed) -> None:
    typed(duplicates, "find", "p")
    found = read(typed(duplicates, "survey", "p", "--json"))
    assert found == {
        "busy": False,
        "exact-conflict": 1,
        "near-conflict": 1,
        "exact-group": 1,
        "near-group": 1,
        "surface-form": 1,
    }
    typed(conflicts, "decide", "p", "b", "--majority")
    assert "exact conflicts: 0" in typed(duplicates, "survey", "p").stdout


def test_near_copies_take_over_what_a_variant_says_of_the_words_they_share(
    typed, database: Database
) -> None:
    typed(duplicates, "find", "p")
    words = ["--near", "--variant", "2", "--json"]
    told = typed(conflicts, "decide", "p", "d", *words).stdout.splitlines()
    assert [json.loads(line)["documents"] for line in told] == [["a", "b", "c"]]
    with database.read() as session:
        golds = session.query(Gold).filter_by(source=GoldSource.DECISION).all()
        assert [sorted(one["label"] for one in gold.entities) for gold in golds] == [
            ["LC", "PS"]
        ] * 3
    assert typed(conflicts, "decide", "p", "d", "--near", "--like", "a").exit_code == 2


def test_what_cannot_be_decided_is_a_sentence(typed) -> None:
    assert typed(conflicts, "decide", "p", "a").exit_code == 2
    for words, sentence in (
        (["--like", "d"], "no exact copy"),
        (["--entities", "[{]"], "--entities"),
        (["--majority", "--by", "nobody@example.org"], "there is no account"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            typed(conflicts, "decide", "p", "a", *words)


def test_surface_forms_with_several_labels_are_listed(typed) -> None:
    found = read(typed(surface_forms, "p", "--json"))
    assert found["count"] == 1
    (form,) = found["forms"]
    assert (form["form"], form["count"]) == ("김가나", 3)
    assert form["labels"][1] == {"label": "LC", "count": 1, "documents": ["b"]}
    assert "김가나" in typed(surface_forms, "p", "--label", "LC").stdout
    assert read(typed(surface_forms, "p", "--label", "OG", "--json"))["count"] == 0
