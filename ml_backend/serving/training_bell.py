"""Label Studio's "Start training", rung on to the application through Redis."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from ml_backend.contract.messages import DEFAULT_QUEUE, REQUEST_TRAINING_JOB

TIMEOUT = 0.5  # seconds; somebody in Label Studio is waiting for the answer


class BellError(Exception):
    """Redis cannot be reached, so nobody was asked to train."""


def ask_for_training(redis_address: str, project_key: str) -> None:
    """Enqueue the application's own job; Redis is contacted here and nowhere else."""
    connection = redis.Redis.from_url(
        redis_address,
        socket_connect_timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        queue = Queue(DEFAULT_QUEUE, connection=connection)
        queue.enqueue(REQUEST_TRAINING_JOB, project_key, "Label Studio")
    except redis.RedisError as error:
        raise BellError(f"Redis does not answer, so nobody was asked to train: {error}") from error
    finally:
        connection.close()
