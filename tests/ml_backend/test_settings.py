import pytest

from backend.settings import Settings
from ml_backend.settings import MlSettings, MlSettingsError, load_settings

SHARED = ("goldloop_home", "model_store", "redis_url", "ml_backend_user", "ml_backend_password")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in MlSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_names_and_defaults_are_those_of_the_application():
    ours, theirs = MlSettings.model_fields, Settings.model_fields
    for name in (*SHARED, "log_level"):
        assert ours[name].default == theirs[name].default, name


@pytest.mark.parametrize("depth", [1, 60])
def test_model_store_and_redis_are_found_where_the_application_puts_them(
    depth, monkeypatch, tmp_path
):
    monkeypatch.setenv("GOLDLOOP_HOME", str(tmp_path / ("d" * depth)))
    ours, theirs = MlSettings(), Settings()
    assert ours.models == theirs.models
    assert ours.redis_address == theirs.redis_address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ML_BACKEND_BIND", "9090"),
        ("ML_BACKEND_BIND", "127.0.0.1:high"),
        ("ML_BACKEND_THREADS", "0"),
        ("REDIS_URL", "localhost:6379"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_setting(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(MlSettingsError, match=name):
        load_settings()


def test_no_password_is_a_sentence_that_says_what_to_set():
    with pytest.raises(MlSettingsError, match="set ML_BACKEND_PASSWORD"):
        load_settings().require_password()


def test_a_wrong_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv("ML_BACKEND_PASSWORD", "s3cret-word")
    monkeypatch.setenv("ML_BACKEND_BIND", "nowhere")
    with pytest.raises(MlSettingsError) as caught:
        load_settings()
    assert "s3cret-word" not in str(caught.value)
