"""Child processes that start in order, write to a log each, and stop together."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from backend.errors import GoldloopError

STOP_SECONDS = 5.0  # for one process to end by itself before it is killed: all can go on later


class ProcessDiedError(GoldloopError):
    """A process that should run on has ended; the message holds the end of its log."""

    def __init__(self, name: str, code: int, log: Path):
        self.name, self.code, self.log = name, code, log
        tail = log.read_text("utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
        super().__init__(f"{name} ended with status {code}; the end of {log}:\n" + "\n".join(tail))


@dataclass
class Processes:
    """Named children, each in a session of its own, with logs in one folder."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start one child; its output is added to `logs/NAME.log`."""
        with self.log_file(name) as log:
            process = subprocess.Popen(  # noqa: S603 - commands are ours
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
            )
        return self.adopt(name, process)

    def adopt(self, name: str, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Take over a process that was started elsewhere in a session of its own."""
        self.running[name] = process
        return process

    def log_file(self, name: str) -> IO[bytes]:
        """A child's log, opened for adding."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return (self.logs / f"{name}.log").open("ab")

    def check(self) -> None:
        """Raise ProcessDiedError for the first child that has ended."""
        for name, process in self.running.items():
            code = process.poll()
            if code is not None:
                raise ProcessDiedError(name, code, self.logs / f"{name}.log")

    def stop(self, name: str, *, kill: bool = False) -> None:
        """Stop one child and all that it started: asked first, killed when it does not listen."""
        process = self.running.pop(name, None)
        if process is None:
            return
        family = _descendants(process.pid)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for child in family:  # a worker's own children live in sessions of their own
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, STOP_SECONDS)

    def stop_all(self) -> None:
        """Stop every child, the last started first; a second Ctrl-C does not leave any behind."""
        in_main = threading.current_thread() is threading.main_thread()
        handlers = {
            number: signal.signal(number, signal.SIG_IGN) if in_main else None
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            for name in reversed(list(self.running)):
                self.stop(name)
        finally:
            for number, handler in handlers.items():
                if in_main:
                    signal.signal(number, handler)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
