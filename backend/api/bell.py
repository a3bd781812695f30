"""Ring a job from a web process without making the answer wait.

The ring is given to a thread of the process, which rings at most a few times a second however
many deliveries come, and rests after a failure. A ring that is lost with the process costs a few
seconds: the scheduler's tick looks at the inbox anyway.
"""

import os
import threading
import time

from backend.clients.queue import JobQueue
from ml_backend.contract.messages import DEFAULT_QUEUE

PAUSE = 0.1  # seconds between two rings
PAUSE_AFTER_FAILURE = 2.0


class Bell:
    """Rings one job by name; the thread starts with the first ring in each process."""

    def __init__(self, queue: JobQueue, job: str):
        self._queue = queue
        self._job = job
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._owner = 0  # process of the running thread: a fork does not inherit it

    def ring(self) -> None:
        """Ask for a ring and return at once."""
        if self._owner != os.getpid():
            with self._lock:
                if self._owner != os.getpid():
                    self._owner = os.getpid()
                    threading.Thread(
                        target=self._run, name=f"bell:{self._job}", daemon=True
                    ).start()
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            name = self._job.rsplit(".", 1)[-1]
            rung = self._queue.ring(DEFAULT_QUEUE, self._job, job_id=name)
            time.sleep(PAUSE if rung else PAUSE_AFTER_FAILURE)
