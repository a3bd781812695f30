"""The folders of prediction jobs: which are old enough to be removed."""

import os
import time
from pathlib import Path

import pytest

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.session import Database
from backend.loop import predictions
from backend.settings import Settings


@pytest.fixture
def context(settings: Settings, database: Database) -> Context:
    return Context(settings, database, JobQueue(settings.redis_address))


def folder(context: Context, name: str, *files: str, days: float, folder_days: float) -> Path:
    path = context.settings.jobs / name
    path.mkdir(parents=True)
    for file in files:
        (path / file).write_text("{}", "utf-8")
        os.utime(path / file, (time.time() - days * 86400,) * 2)
    os.utime(path, (time.time() - folder_days * 86400,) * 2)
    return path


def test_only_what_was_silent_for_days_is_removed(context: Context):
    begun = folder(context, "predict-begun", "input.jsonl", days=0, folder_days=0)
    empty = folder(context, "predict-empty", days=0, folder_days=1)
    alive = folder(context, "predict-alive", "progress.json", days=0, folder_days=3)
    silent = folder(context, "predict-silent", "request.json", days=3, folder_days=3)
    broken_off = folder(context, "predict-broken-off", "input.jsonl", days=3, folder_days=3)
    run = folder(context, "run-1", days=9, folder_days=9)
    assert predictions.drop_old(context) == 2
    assert [path.exists() for path in (begun, empty, alive, run)] == [True] * 4
    assert not silent.exists()
    assert not broken_off.exists()
