"""The bell: RQ jobs rung by dotted name.

Folders and the database are the truth; a ring that is lost because Redis is down costs time, never
work, since the scheduler's tick looks at the same truth and rings again.
"""

import logging
from functools import cached_property
from hashlib import sha256
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Dependency, Job, JobStatus

from backend.clients.queue_jobs import QueueJobs
from ml_backend.contract.messages import DEFAULT_QUEUE, PREDICT_QUEUE, TRAIN_QUEUE

QUEUES = (DEFAULT_QUEUE, PREDICT_QUEUE, TRAIN_QUEUE)

CONNECT_TIMEOUT = 0.5  # seconds
ANSWER_TIMEOUT = 2.0
# seconds a job may take: training is stopped by its own lease and cancel flag, not by the queue
JOB_TIMEOUT = {DEFAULT_QUEUE: 1800, PREDICT_QUEUE: 7200, TRAIN_QUEUE: 7 * 86400}
# finished jobs stay this long, so that a follow-up still finds the job it was to wait for
KEEP_FINISHED = 60
KEEP_FAILED = 7 * 86400

WAITING = frozenset(
    {JobStatus.QUEUED, JobStatus.DEFERRED, JobStatus.SCHEDULED, JobStatus.READY_TO_ENQUEUE}
)

log = logging.getLogger(__name__)


class JobQueue:
    """Rings jobs; connects on first use, fails fast and says so when Redis is down."""

    def __init__(self, redis_address: str):
        self.redis_address = redis_address

    @cached_property
    def _redis(self) -> Redis:
        return Redis.from_url(
            self.redis_address,
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=ANSWER_TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # once: a connection kept open may be stale
        )

    def ring(
        self, queue: str, job: str, *args: Any, job_id: str | None = None, after: str | None = None
    ) -> bool:
        """Enqueue a job by its dotted name; False, with a log line, when Redis is down.

        With `job_id`, one waiting job of that name is enough: nothing is added while one waits,
        and one more is while another runs (it may have looked already). With `after`, the job
        begins when the job of that id ends, however it ends, and waits for it once.
        """
        try:
            self._enqueue(queue, job, args, job_id, after)
        except RedisError as error:
            log.warning(
                "event=bell_lost queue=%s job=%s job_id=%s error=%s", queue, job, job_id, error
            )
            return False
        return True

    def knows(self, job_id: str) -> bool:
        """Whether a job of this id waits or runs, as far as Redis knows; False when it is down."""
        try:
            status = self._status(job_id)
        except RedisError:
            return False
        return status in WAITING or status == JobStatus.STARTED

    def running(self, job_id: str) -> bool:
        """Whether a worker has begun the job of this id, be the worker alive or not."""
        try:
            return self._status(job_id) == JobStatus.STARTED
        except RedisError:
            return False

    def failed(self, job_id: str) -> bool:
        """Whether the job of this id is known to have failed; False when Redis is down."""
        try:
            return self._status(job_id) in (JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED)
        except RedisError:
            return False

    def take_out(self, job_id: str) -> bool:
        """Take a waiting job out of its queue; False where none waits, or Redis is down."""
        try:
            return self.jobs.cancel(_rq_id(job_id))
        except RedisError:
            return False

    def alive(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def counts(self) -> dict[str, int]:
        """Waiting jobs of each queue; raises RedisError when Redis is down."""
        return {name: len(Queue(name, connection=self._redis)) for name in QUEUES}

    def workers(self) -> dict[str, int]:
        """Live workers of each queue; raises RedisError when Redis is down."""
        return {name: Worker.count(queue=Queue(name, connection=self._redis)) for name in QUEUES}

    def working(self, queue: str) -> int:
        """Live workers of one queue; 0 when Redis is down."""
        try:
            return Worker.count(queue=Queue(queue, connection=self._redis))
        except RedisError:
            return 0

    @property
    def jobs(self) -> QueueJobs:
        """What the queues hold, one by one."""
        return QueueJobs(self._redis, QUEUES)

    def _enqueue(
        self, queue: str, job: str, args: tuple[Any, ...], job_id: str | None, after: str | None
    ) -> None:
        options: dict[str, Any] = {
            "job_timeout": JOB_TIMEOUT.get(queue, JOB_TIMEOUT[DEFAULT_QUEUE]),
            "result_ttl": KEEP_FINISHED,
            "failure_ttl": KEEP_FAILED,
            "description": f"{job}({', '.join(map(repr, args))})",
        }
        job_id, after = job_id and _rq_id(job_id), after and _rq_id(after)
        rq_queue = Queue(queue, connection=self._redis)
        if after and self._status(after) is not None:
            digest = sha256(options["description"].encode()).hexdigest()[:16]
            slot = f"{after}-{digest}"  # RQ cannot coalesce by itself what depends on another
            known = self._status(slot)
            if known not in WAITING:
                options["depends_on"] = Dependency(after, allow_failure=True)
                its_id = None if known == JobStatus.STARTED else slot
                rq_queue.enqueue(job, *args, job_id=its_id, **options)
            return
        for slot in (job_id, f"{job_id}-next") if job_id else ():
            if self._status(slot) not in (*WAITING, JobStatus.STARTED, None):
                self._forget(slot)
            try:
                rq_queue.enqueue(job, *args, job_id=slot, unique=True, **options)
                return
            except DuplicateJobError:
                if self._status(slot) != JobStatus.STARTED:
                    return
        rq_queue.enqueue(job, *args, **options)

    def _status(self, job_id: str) -> JobStatus | None:
        value = self._redis.hget(Job.key_for(_rq_id(job_id)), "status")
        return JobStatus(value.decode()) if isinstance(value, bytes) else None

    def _forget(self, job_id: str) -> None:
        try:
            Job.fetch(job_id, connection=self._redis).delete()
        except NoSuchJobError:
            self._redis.delete(Job.key_for(job_id))


def _rq_id(job_id: str) -> str:
    """RQ takes letters, digits, underscores and hyphens."""
    return job_id.replace(".", "-")
