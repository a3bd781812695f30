"""`goldloop project set` as people type it."""

import pytest
from click.testing import CliRunner

from backend.commands.project import project
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.errors import InvalidInputError, NotFoundError


@pytest.fixture(autouse=True)
def _a_project(settings, database, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    with database.write() as session:
        session.add(Project(key="p", name="P", label_config="<View/>", labels=[]))


def typed(*words):
    return CliRunner().invoke(project, ["set", "p", *words])


def test_what_changed_is_told_and_kept(database):
    told = typed("gate_margin=0.05", "gate_when_little=promote", "training.epochs=3")
    assert told.output.splitlines() == [
        "gate_margin: 0.02 → 0.05",
        "gate_when_little: ask → promote",
        "training.epochs: not set → 3",
    ]
    with database.read() as session:
        kept = settings_of(project_by_key(session, "p"))
    assert (kept.gate_margin, kept.gate_when_little) == (0.05, "promote")
    assert kept.training == {"epochs": 3}
    assert typed("gate_margin=0.05").output == "nothing changed\n"


def test_training_options_are_read_as_what_they_look_like_and_removed_by_nothing(database):
    typed("training.scheme=BIO", "training.dropout=0.25", "training.lexicon=true")
    typed("training.dropout=")
    with database.read() as session:
        kept = settings_of(project_by_key(session, "p"))
    assert kept.training == {"scheme": "BIO", "lexicon": True}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("gate_margn=0.1", "there is no setting 'gate_margn'; there are retrain_threshold, "),
        ("training.epoch=3", "there is no training option epoch; the options are "),
        ("training.epochs=many", "epochs: Input should be a valid integer"),
        ("training.label_smoothing=0.1", "label_smoothing and class_weights do not apply to crf"),
        ("training=x", "there is no setting 'training'"),
        ("gate_margin=2", "gate_margin: Input should be less than or equal to 1"),
        ("open_tasks=many", "open_tasks: Input should be a valid integer"),
        ("open_tasks", "give NAME=VALUE, not 'open_tasks'"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_set(database, given, sentence):
    told = typed("random_share=0.5", given)
    assert isinstance(told.exception, InvalidInputError)
    assert sentence in str(told.exception)
    with database.read() as session:
        assert settings_of(project_by_key(session, "p")).random_share == 0.15


def test_there_must_be_such_a_project():
    told = CliRunner().invoke(project, ["set", "q", "random_share=0.5"])
    assert isinstance(told.exception, NotFoundError)
