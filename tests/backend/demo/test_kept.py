"""What one installation keeps: the same secrets, the same ports while they are free."""

import socket
import stat

from backend.demo.kept import Kept


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "demo.json"
    made = Kept(path).secret("key")
    assert len(made) >= 32
    assert Kept(path).secret("key") == made
    assert Kept(path).secret("other") != made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_port_is_taken_again_while_it_is_free(tmp_path):
    kept = Kept(tmp_path / "demo.json")
    port = kept.port("admin")
    assert kept.port("admin") == port
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", port))
        neighbour.listen()
        assert kept.port("admin") != port
