import json

import pytest

from ml_backend.contract.model_store import Champion, ModelStore, ModelStoreError


@pytest.fixture
def store(tmp_path):
    store = ModelStore(tmp_path / "store")
    store.version_folder("p", "v1").mkdir(parents=True)
    return store


def test_the_pointer_carries_what_labels_were_called(store):
    champion = Champion("v1", "<View/>", {"사람": "인물"})
    store.set_champion("p", champion)
    assert store.champion("p") == champion


def test_a_pointer_of_before_there_were_mappings_is_read(store):
    old = {"version": "v1", "label_config": "<View/>"}
    store.champion_path("p").write_text(json.dumps(old), "utf-8")
    assert store.champion("p") == Champion("v1", "<View/>", {})


def test_a_version_that_is_not_there_cannot_be_pointed_at(store):
    with pytest.raises(ModelStoreError, match="p has no version v2"):
        store.set_champion("p", Champion("v2", "<View/>"))
