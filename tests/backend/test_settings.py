"""Settings: embedded by default, overridden by name, wrong ones stopped with a sentence."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.errors import SettingsError
from backend.settings import ProjectSettings, Settings, load_settings
from ml_backend.settings import MlSettings
from tests.servers import REPOSITORY


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_with_nothing_set_everything_is_embedded(tmp_path):
    settings = load_settings()
    home = tmp_path / ".goldloop"
    assert settings.database_address == f"sqlite:///{home / 'goldloop.db'}"
    assert settings.redis_address.startswith("unix:///")
    assert settings.models == home / "models"
    assert settings.jobs == home / "jobs"
    assert settings.label_studio_url == ""


def test_no_secret_has_a_default():
    for name, field in Settings.model_fields.items():
        if re.search("password|secret|key$", name):
            assert field.default.get_secret_value() == "", name


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        (
            "DATABASE_URL",
            "postgresql://a:b@c/d",
            "database_address",
            "postgresql+psycopg://a:b@c/d",
        ),
        ("DATABASE_URL", "postgres://a:b@c/d", "database_address", "postgresql+psycopg://a:b@c/d"),
        ("DATABASE_URL", "sqlite:////x/y.db", "database_address", "sqlite:////x/y.db"),
        ("REDIS_URL", "redis://host:6379/3", "redis_address", "redis://host:6379/3"),
        ("MODEL_STORE", "/mnt/models", "models", Path("/mnt/models")),
        ("JOBS_FOLDER", "/mnt/jobs", "jobs", Path("/mnt/jobs")),
        (
            "LABEL_STUDIO_URL",
            "https://ls.example.org/",
            "label_studio_url",
            "https://ls.example.org",
        ),
    ],
)
def test_each_embedded_part_can_be_named_instead(name, value, field, expected, monkeypatch):
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(), field) == expected


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch):
    Path(".env").write_text("TICK_EVERY=7\nSYNC_EVERY=70\nSOMETHING_ELSE=1\n", "utf-8")
    monkeypatch.setenv("SYNC_EVERY", "99")
    settings = load_settings()
    assert (settings.tick_every, settings.sync_every) == (7, 99)


def test_an_empty_variable_is_none(monkeypatch, tmp_path):
    for name in ("MODEL_STORE", "TICK_EVERY", "PUBLIC_URL", "DATABASE_URL"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.models == tmp_path / ".goldloop" / "models"
    assert settings.tick_every == Settings.model_fields["tick_every"].default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICK_EVERY", "soon"),
        ("TICK_EVERY", "0"),
        ("HTTP_TIMEOUT", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("LABEL_STUDIO_URL", "localhost:8080"),
        ("PUBLIC_URL", "ftp://here"),
        ("INTERNAL_URL", "admin:5000"),
        ("DATABASE_URL", "mysql://here/x"),
        ("REDIS_URL", "localhost:6379"),
        ("ADMIN_BIND", "5000"),
        ("ML_BACKEND_BIND", "127.0.0.1:99999"),
        ("SECRET_KEY", "short"),
        ("BEHIND_PROXY", "perhaps"),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_setting(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^wrong settings: {name}: .+") as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_every_wrong_value_is_told_at_once_and_no_secret_is_shown(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret-but-short")
    monkeypatch.setenv("TICK_EVERY", "soon")
    with pytest.raises(SettingsError, match=r"TICK_EVERY.*") as caught:
        load_settings()
    assert "SECRET_KEY" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_missing_setting_is_a_sentence_that_says_what_to_set(monkeypatch):
    with pytest.raises(SettingsError, match=r"^set SECRET_KEY: signs sessions"):
        load_settings().require("public_url", "secret_key")
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    load_settings().require("public_url", "secret_key")


def test_secrets_are_not_shown_by_printing_the_settings(settings):
    shown = repr(settings) + str(settings)
    for name in ("secret_key", "webhook_secret", "ml_backend_password"):
        assert getattr(settings, name).get_secret_value() not in shown


def test_the_socket_of_a_deep_folder_is_short_enough_and_its_own(tmp_path):
    deep = [tmp_path / name / ("d" * 120) for name in ("one", "two")]
    sockets = [Settings(_env_file=None, goldloop_home=home).redis_socket for home in deep]
    assert all(len(str(socket).encode()) < 108 for socket in sockets)
    assert len(set(sockets)) == 2


def test_every_setting_is_in_the_readme_with_its_default():
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`)? *\|", readme, re.MULTILINE))
    declared = {**MlSettings.model_fields, **Settings.model_fields}
    assert set(rows) == {name.upper() for name in declared}
    for name, field in declared.items():
        default = field.default
        plain = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        shown = str(plain).lower() if isinstance(plain, bool) else str(plain or "")
        assert rows[name.upper()] == shown, name


def test_project_settings_refuse_what_they_do_not_know():
    assert ProjectSettings().retrain_threshold == 50
    with pytest.raises(ValidationError, match="retrain_treshold"):
        ProjectSettings.model_validate({"retrain_treshold": 10})
    with pytest.raises(ValidationError):
        ProjectSettings(random_share=1.5)
