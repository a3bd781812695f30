"""The one console command: its commands load, and its errors are sentences."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from tests.servers import REPOSITORY

COMMANDS = {found.name: found for found in entry_points(group="goldloop.commands")}


def goldloop(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("goldloop"), *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_and_says_what_it_does(name):
    command = COMMANDS[name].load()
    assert isinstance(command, click.Command)
    assert command.get_short_help_str()
    subcommands = command.commands.values() if isinstance(command, click.Group) else []
    assert all(subcommand.get_short_help_str() for subcommand in subcommands)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_readme(name):
    assert f"`goldloop {name}`" in (REPOSITORY / "README.md").read_text("utf-8")


def test_help_lists_every_command(tmp_path):
    done = goldloop("--help", folder=tmp_path)
    assert done.returncode == 0
    listed = {line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line}
    assert listed == set(COMMANDS)


def test_an_error_that_a_person_can_mend_is_a_sentence(tmp_path):
    done = goldloop("db", "upgrade", folder=tmp_path, LOG_LEVEL="LOUD")
    assert done.returncode == 1
    assert done.stderr.startswith("goldloop: wrong settings: LOG_LEVEL")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    ["", pytest.param("postgresql", marks=pytest.mark.real)],
    ids=["sqlite", "postgresql"],
)
def test_a_database_without_tables_is_told(tmp_path, request, address):
    if address:
        address = request.getfixturevalue("postgresql").create()
    done = goldloop("project", "list", folder=tmp_path, DATABASE_URL=address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "goldloop: the database lacks tables; run `goldloop db upgrade`\n"


LOST = """
import signal, time, weakref
import click
from backend import cli

class Cleaned: pass

@click.command()
def wait():
    one = Cleaned()
    watched = weakref.ref(one, lambda gone: signal.raise_signal(signal.SIGINT))
    del one  # what is raised in the call back is told by Python and goes no further
    time.sleep(600)

cli.goldloop = wait
cli.main()
"""


def test_ctrl_c_stops_a_command_even_while_an_object_is_cleaned_away():
    done = subprocess.run(
        [sys.executable, "-c", LOST], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (1, "Aborted!")


def test_db_goes_up_checks_and_goes_down(tmp_path):
    up = goldloop("db", "upgrade", folder=tmp_path)
    assert (up.returncode, up.stdout) == (0, "the tables are at head\n"), up.stderr
    assert (tmp_path / ".goldloop" / "goldloop.db").is_file()
    assert goldloop("db", "check", folder=tmp_path).stdout.endswith("migrations match the tables\n")
    assert goldloop("db", "downgrade", "base", folder=tmp_path).returncode == 0
    wrong = goldloop("db", "downgrade", "nowhere", folder=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("goldloop: the database cannot be taken to nowhere")


def test_an_unknown_command_is_refused(tmp_path):
    done = goldloop("annotat", folder=tmp_path)
    assert done.returncode == 2
    assert "annotat" in done.stderr
