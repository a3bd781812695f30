"""`goldloop health`: whether one of our services works; what containers' health checks run."""

import socket

import click
import httpx
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job

from backend.clients.queue import QUEUES
from backend.errors import GoldloopError
from backend.settings import Settings, load_settings

TIMEOUT = 5.0  # seconds
TICK = "periodic-backend-jobs-tick"
SERVICES = ("admin", "ml-backend", "scheduler", *(f"worker-{queue}" for queue in QUEUES))


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
def health(service: str) -> None:
    """Exit 0 when SERVICE, on this very machine, is up and does its work."""
    settings = load_settings()
    if service == "admin":
        _web(settings.admin_bind)
    elif service == "ml-backend":
        _web(settings.ml_backend_bind)
    elif service == "scheduler":
        _scheduler(settings)
    else:
        _worker(settings, service.removeprefix("worker-"))
    click.echo(f"{service} is up")


def _web(bind: str) -> None:
    port = bind.rpartition(":")[2]
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=TIMEOUT)
    except httpx.TransportError as error:
        raise GoldloopError(f"nothing answers on port {port}: {error}") from None
    if not answer.is_success:
        raise GoldloopError(f"port {port} answers {answer.status_code}: {answer.text[:500]}")


def _worker(settings: Settings, queue: str) -> None:
    """A worker that is waiting beats only every few minutes, so: Redis knows one of this host."""
    ours = f"{queue}-{socket.gethostname()}-"
    try:
        with _redis(settings) as redis:
            known = Worker.all(queue=Queue(queue, connection=redis))
    except RedisError as error:
        raise GoldloopError(f"Redis does not answer: {error}") from None
    if not any(worker.name.startswith(ours) for worker in known):
        raise GoldloopError(f"no worker of queue {queue} on this machine")


def _scheduler(settings: Settings) -> None:
    """Its first bell waits, runs, or ended less than a minute ago."""
    try:
        with _redis(settings) as redis:
            rung = Job.exists(TICK, connection=redis)
    except RedisError as error:
        raise GoldloopError(f"Redis does not answer: {error}") from None
    if not rung:
        raise GoldloopError("the scheduler has not rung for a minute")


def _redis(settings: Settings) -> Redis:
    return Redis.from_url(
        settings.redis_address, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT
    )
