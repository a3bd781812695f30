"""The embedded Redis is the real one, and keeps what it was told."""

import pytest
import redis

from backend.embedded.redis import start
from backend.errors import GoldloopError

pytestmark = pytest.mark.real


def test_what_was_written_survives_a_stop(redis_server):
    with redis.from_url(redis_server.address) as client:
        client.set("kept", "yes")
    redis_server.stop()
    with redis.from_url(redis_server.address) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    redis_server.start()
    with redis.from_url(redis_server.address, decode_responses=True) as client:
        assert client.get("kept") == "yes"


def test_a_second_one_in_the_same_folder_is_refused(redis_server, settings, tmp_path):
    with pytest.raises(GoldloopError, match="already listens"):
        start(settings, log=tmp_path / "second.log")
    with redis.from_url(redis_server.address) as client:
        assert client.ping()


def test_it_listens_on_no_port_and_only_for_its_owner(redis_server, settings):
    with redis.from_url(redis_server.address, decode_responses=True) as client:
        assert client.config_get("port") == {"port": "0"}
    assert settings.redis_socket.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_used_is_a_sentence(settings, tmp_path):
    (settings.goldloop_home / "redis").mkdir(parents=True)
    (settings.goldloop_home / "redis" / "appendonly.aof").write_text("this is no Redis file\n")
    with pytest.raises(GoldloopError, match="did not start"):
        start(settings, log=tmp_path / "redis.log")
