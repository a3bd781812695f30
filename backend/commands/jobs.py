"""`goldloop jobs`: what runs, waits and failed in the queues; cancel, try again."""

from dataclasses import asdict

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.loop.queued_jobs import Action, look, move
from backend.settings import load_settings

BY = "command line"


@click.group()
def jobs() -> None:
    """Jobs in the queues and the workers alive: list, cancel, try again."""


@jobs.command("list")
@json_option
def list_jobs(as_json: bool) -> None:
    """List the jobs that run, wait and failed, each with its id, and the workers."""
    found, workers = look(open_context(load_settings()))
    if as_json:
        names = ("id", "job", "queue", "state", "since", "reason")
        told = [{name: getattr(one, name) for name in names} for one in found]
        print_json({"jobs": told, "workers": [asdict(one) for one in workers]})
        return
    for one in found:
        words = (one.state, one.queue, one.job.rpartition(".")[2], one.id, one.reason)
        click.echo("\t".join(words).rstrip())
    for worker in workers:
        click.echo(f"worker\t{worker.queue}\t{'busy' if worker.busy else 'idle'}\t{worker.name}")


@jobs.command()
@click.argument("job")
@json_option
def cancel(job: str, as_json: bool) -> None:
    """Take JOB, which waits, out of its queue; what is still due is rung for again."""
    _move(job, "cancel", "is out of its queue", as_json=as_json)


@jobs.command()
@click.argument("job")
@json_option
def retry(job: str, as_json: bool) -> None:
    """Put JOB, which failed, into its queue again."""
    _move(job, "retry", "waits in its queue again", as_json=as_json)


def _move(job: str, action: Action, done: str, *, as_json: bool) -> None:
    move(open_context(load_settings()), job, action, BY)
    if as_json:
        print_json({"job": job, "done": action})
    else:
        click.echo(f"{job} {done}")
