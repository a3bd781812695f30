import gc
import shutil
import threading
import time
import weakref

import pytest

from ml_backend.contract.model_store import Champion, ModelStore
from ml_backend.serving import model_server
from ml_backend.serving.model_server import ModelServer, NotServedError, Status


class NamedTagger:
    """Knows the folder it was loaded from; takes as long to load as told, or refuses."""

    def __init__(self, folder):
        content = (folder / "weights").read_text()
        if content.startswith("slow"):
            time.sleep(float(content.split()[1]))
        if content == "broken":
            raise ValueError("the weights are cut short")
        self.cannot_tag = content == "cannot tag"
        self.folder = folder

    def predict(self, texts):
        if self.cannot_tag:
            raise RuntimeError("shapes do not match")
        return [None] * len(texts)


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


@pytest.fixture
def serve(store):
    """Starts model servers over the store and stops them."""
    running = []

    def start(**options):
        server = ModelServer(store, load=NamedTagger, **options)
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.close()


@pytest.fixture
def publish(store, tmp_path):
    def publish(key, version, weights="good", config="<View/>"):
        built = tmp_path / "built"
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir()
        (built / "weights").write_text(weights)
        store.add(key, version, built)
        store.set_champion(key, Champion(version, config))

    return publish


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_before_a_first_version_a_project_is_untrained(serve):
    server = serve()
    assert server.serving("news", wait=30) is None
    assert server.named_version("news") == "untrained"
    assert server.status("news") == Status()


def test_a_champion_that_is_there_at_the_start_is_waited_for(serve, publish):
    publish("news", "v1", "slow 0.3")
    server = serve()
    assert server.serving("news", wait=30).version == "v1"
    assert server.status("news") == Status("v1", "v1", None)


def test_the_version_that_a_prediction_waits_for_is_named_before_it_is_loaded(store, publish):
    may_load = threading.Event()

    def load(folder):
        assert may_load.wait(5)
        return NamedTagger(folder)

    publish("news", "v1")
    server = ModelServer(store, load=load)
    assert server.named_version("news") == "v1"  # nothing has looked at the store yet
    server.start()
    try:
        until(lambda: server.status("news").champion == "v1")
        assert server.named_version("news") == "v1"
        assert server.status("news").loaded is None
        publish("news", "v2")
        assert server.named_version("news") == "v2"
    finally:
        may_load.set()
        server.close()


def test_the_first_version_of_a_new_project_is_picked_up(serve, publish):
    server = serve()
    publish("news", "v1")
    until(lambda: server.status("news").loaded == "v1")


def test_projects_have_champions_of_their_own(serve, publish, store):
    publish("news", "v1")
    publish("clinic", "v1")
    server = serve()
    for key in ("news", "clinic"):
        loaded = server.serving(key, wait=30)
        assert loaded.tagger.folder == store.version_folder(key, "v1")


def test_the_loaded_version_is_named_until_the_new_one_is_loaded(serve, publish):
    publish("news", "v1")
    server = serve()
    server.serving("news", wait=30)
    publish("news", "v2", "slow 0.5")
    until(lambda: server.status("news").champion == "v2")
    assert server.named_version("news") == "v1"
    assert server.serving("news", wait=30).version == "v1"
    until(lambda: server.status("news").loaded == "v2")
    assert server.named_version("news") == "v2"


@pytest.mark.parametrize("weights", ["broken", "cannot tag"])
def test_a_broken_version_leaves_the_old_one_and_is_reported(serve, publish, weights):
    failures = []
    publish("news", "v1")
    server = serve(on_failure=failures.append)
    server.serving("news", wait=30)
    publish("news", "v2", weights)
    until(lambda: server.status("news").error)
    assert server.status("news").champion == "v2"
    assert server.serving("news", wait=30).version == "v1"
    assert server.named_version("news") == "v1"
    assert failures == ["news"]


def test_a_good_version_after_a_broken_one_clears_the_error(serve, publish):
    publish("news", "v1", "broken")
    server = serve()
    until(lambda: server.status("news").error)
    publish("news", "v2", "slow 0.5")
    until(lambda: server.status("news").champion == "v2")
    assert server.status("news").error is None
    assert server.serving("news", wait=30).version == "v2"


def test_a_broken_first_version_is_an_error_for_those_who_ask(serve, publish):
    publish("news", "v1", "broken")
    server = serve()
    with pytest.raises(NotServedError, match="cut short"):
        server.serving("news", wait=30)
    with pytest.raises(NotServedError, match="cut short"):
        server.named_version("news")


def test_a_version_that_failed_is_tried_again_later(serve, publish, store, monkeypatch):
    monkeypatch.setattr(model_server, "RETRY_AFTER", 0.2)
    publish("news", "v1", "broken")
    server = serve()
    until(lambda: server.status("news").error)
    (store.version_folder("news", "v1") / "weights").write_text("good")
    until(lambda: server.status("news").loaded == "v1")
    assert server.status("news").error is None


def test_an_unreadable_first_pointer_is_an_error_for_those_who_ask(store):
    store.champion_path("news").parent.mkdir(parents=True)
    store.champion_path("news").write_text("{")
    with pytest.raises(NotServedError, match="unreadable champion pointer of news"):
        ModelServer(store, load=NamedTagger).named_version("news")


def test_an_unreadable_pointer_leaves_the_old_version(serve, publish, store):
    publish("news", "v1")
    server = serve()
    server.serving("news", wait=30)
    store.champion_path("news").write_text("{")
    until(lambda: server.status("news").error)
    assert server.serving("news", wait=30).version == "v1"


def test_a_new_configuration_for_the_same_version_loads_nothing(serve, publish, store):
    publish("news", "v1")
    server = serve()
    before = server.serving("news", wait=30)
    store.set_champion("news", Champion("v1", "<View>new</View>"))
    until(lambda: server.serving("news", wait=30).label_config == "<View>new</View>")
    assert server.serving("news", wait=30).tagger is before.tagger
    store.set_champion("news", Champion("v1", "<View>new</View>", {"PS": "PERSON"}))
    until(lambda: server.serving("news", wait=30).mapping == {"PS": "PERSON"})
    assert server.serving("news", wait=30).tagger is before.tagger


def test_rollback_is_a_publication_like_any_other(serve, publish, store):
    publish("news", "v1")
    publish("news", "v2")
    server = serve()
    assert server.serving("news", wait=30).version == "v2"
    store.set_champion("news", Champion("v1", "<View/>"))
    until(lambda: server.status("news").loaded == "v1")


def test_the_replaced_version_is_let_go(serve, publish):
    publish("news", "v1")
    server = serve()
    old = weakref.ref(server.serving("news", wait=30).tagger)
    publish("news", "v2")
    until(lambda: server.status("news").loaded == "v2")
    until(lambda: gc.collect() is not None and old() is None)


def test_a_project_taken_out_of_the_store_is_untrained_again(serve, publish, store):
    publish("news", "v1")
    server = serve()
    server.serving("news", wait=30)
    shutil.rmtree(store.champion_path("news").parent)
    until(lambda: server.status("news").loaded is None)
    assert server.named_version("news") == "untrained"


def test_no_request_fails_or_waits_while_versions_change(serve, publish):
    publish("news", "v0")
    server = serve()
    server.serving("news", wait=30)
    longest, wrong, stop = [0.0], [], threading.Event()

    def ask():
        while not stop.is_set():
            began = time.monotonic()
            loaded = server.serving("news", wait=0)
            longest[0] = max(longest[0], time.monotonic() - began)
            if loaded.tagger.folder.name != loaded.version:
                wrong.append(loaded)
            time.sleep(0.001)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(1, 6):
        publish("news", f"v{number}", "slow 0.1")
        until(lambda number=number: server.status("news").loaded == f"v{number}")
    stop.set()
    for client in clients:
        client.join()
    assert not wrong
    assert longest[0] < 1.0
