"""The folder that a training was told to fill: empty before, whole after, resumable between.

OUT/unfinished/asked.json    what the training was asked for, so that only the same goes on
OUT/unfinished/state/        where the training stands
OUT/unfinished/version/      the version as it is written; moved into OUT when it is whole
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ml_backend.cli.terminal import MistakeError
from ml_backend.contract.model_store import write_atomically
from ml_backend.tagger.checkpoint import CONFIG


@dataclass(frozen=True, slots=True)
class Destination:
    """One training's folder; see the module's docstring."""

    out: Path

    @property
    def unfinished(self) -> Path:
        return self.out / "unfinished"

    @property
    def state(self) -> Path:
        return self.unfinished / "state"

    @property
    def version(self) -> Path:
        return self.unfinished / "version"

    def claim(self, mark: str) -> bool:
        """Take the folder for the training of this mark; True where an earlier one goes on.

        Raises MistakeError where it holds a version, another training, or anything else, and where
        it cannot be written.
        """
        if (self.out / CONFIG).exists():
            raise MistakeError(f"{self.out} holds a tagger already: name another folder")
        asked = self._asked()
        if asked is not None and asked != mark:
            raise MistakeError(
                f"{self.out} holds an unfinished training of other gold, options or seed: "
                "name another folder, or delete this one"
            )
        if asked is None and self.out.exists() and (self.out.is_file() or any(self.out.iterdir())):
            raise MistakeError(f"{self.out} is not an empty folder: name another")
        try:
            self.unfinished.mkdir(parents=True, exist_ok=True)
            write_atomically(self.unfinished / "asked.json", json.dumps({"mark": mark}).encode())
        except OSError as error:
            raise MistakeError(f"{self.out} cannot be written: {error.strerror}") from error
        shutil.rmtree(self.version, ignore_errors=True)  # of a training killed while it wrote
        return asked is not None

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Give the folder back when what goes on within fails before anything was saved."""
        try:
            yield
        except BaseException:
            if not self.state.exists():
                shutil.rmtree(self.unfinished, ignore_errors=True)
                with suppress(OSError):  # not empty, or not ours to remove
                    self.out.rmdir()
            raise

    def finish(self) -> None:
        """Move the whole version to where it belongs, what says that it is whole last."""
        files = sorted(self.version.iterdir(), key=lambda path: path.name == CONFIG)
        for path in files:
            if (self.out / path.name).is_dir():  # of a training killed while it moved them
                shutil.rmtree(self.out / path.name)
            path.rename(self.out / path.name)
        shutil.rmtree(self.unfinished)

    def _asked(self) -> str | None:
        try:
            return str(json.loads((self.unfinished / "asked.json").read_text("utf-8"))["mark"])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError) as error:
            raise MistakeError(f"{self.unfinished} cannot be read: {error}") from error
