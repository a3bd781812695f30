"""What keeps a replay's workers out of each other's way: a lock, and folders put there whole."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else is in such a block of this folder; who dies lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def staging(folder: Path) -> Path:
    """A new folder beside one that is to be put there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    made.chmod(0o755)  # a worker may be another user
    return made


def put(folder: Path, made: Path) -> None:
    """Give a folder that is complete its name; what somebody else put there meanwhile stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        shutil.rmtree(made)
