"""Workers of a command's own, with a Redis of their own, where none run that it could use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.clients.queue import JobQueue
from backend.embedded import redis
from backend.embedded.processes import Processes
from backend.settings import Settings
from ml_backend.contract.messages import DEFAULT_QUEUE, PREDICT_QUEUE, TRAIN_QUEUE


@contextmanager
def own_workers(home: Path, training: int) -> Iterator[JobQueue]:
    """A queue with so many training workers, one of each other kind; all of it stops at the end.

    Logs are in `home/logs`. Raises GoldloopError when another command works in that home.
    """
    home = home.resolve()
    settings = Settings(_env_file=None, goldloop_home=home, redis_url="")
    processes = Processes(home / "logs")
    home.mkdir(parents=True, exist_ok=True)
    environment = {"GOLDLOOP_HOME": str(home), "REDIS_URL": settings.redis_address}
    goldloop = str(Path(sys.executable).with_name("goldloop"))
    try:
        server = redis.start(settings, log=processes.logs / "redis.log")
        processes.adopt("redis", server)
        for queue, count in ((DEFAULT_QUEUE, 1), (PREDICT_QUEUE, 1), (TRAIN_QUEUE, training)):
            for number in range(1, count + 1):
                name = f"{queue}-{number}"
                processes.start(name, [goldloop, "worker", queue], environment)
        yield JobQueue(settings.redis_address)
    finally:
        processes.stop_all()
