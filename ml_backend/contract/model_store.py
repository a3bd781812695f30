"""The model store: one folder per version and an atomic champion pointer per project.

    STORE/PROJECT_KEY/versions/VERSION/…     written once, then never changed
    STORE/PROJECT_KEY/vectors/VERSION/…      what it made of documents, for selection
    STORE/PROJECT_KEY/champion.json          {"version", "label_config", "mapping"}; replaced
                                             atomically

A project key is lower-case letters, digits and hyphens; it is also the project's address at the
ML backend, because Label Studio's project numbers collide between servers.
"""

import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class ModelStoreError(Exception):
    """A key, version or pointer that the store cannot accept or does not hold."""


@dataclass(frozen=True, slots=True)
class Champion:
    """What a project serves: the version's name and the configuration it answers under.

    `mapping` is what the configuration's labels were called when the version learned, where that
    differed: see `shown_as`.
    """

    version: str
    label_config: str
    mapping: dict[str, str] = field(default_factory=dict)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by a file with `content`: readers see the old or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class ModelStore:
    """Versions and champion pointers under one root folder."""

    root: Path

    def projects(self) -> list[str]:
        """The keys that have a champion, sorted."""
        return sorted(path.parent.name for path in self.root.glob("*/champion.json"))

    def version_folder(self, project_key: str, version: str) -> Path:
        """Where the version's files are, whether or not it exists yet."""
        return self._project(project_key) / "versions" / _checked(version)

    def vectors_folder(self, project_key: str, version: str) -> Path:
        """Where the vectors that a version made of documents are kept, or will be."""
        return self._project(project_key) / "vectors" / _checked(version)

    def versions(self, project_key: str) -> list[str]:
        """Names of the complete versions of a project, sorted."""
        folder = self._project(project_key) / "versions"
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))

    def add(self, project_key: str, version: str, built: Path) -> Path:
        """Move a finished folder into the store under its name, in one rename.

        A version that is there already is kept: a name stands for exactly one set of weights,
        and a job that runs twice finds its own work done. Returns the version's folder.
        """
        target = self.version_folder(project_key, version)
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
        try:
            shutil.copytree(built, staging / "v")
            (staging / "v").rename(target)
        except OSError:
            if not target.exists():
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return target

    def champion_path(self, project_key: str) -> Path:
        """The pointer file; its change is the signal to load another version."""
        return self._project(project_key) / "champion.json"

    def champion(self, project_key: str) -> Champion | None:
        """What the project serves, None before the first publication."""
        try:
            record = json.loads(self.champion_path(project_key).read_text("utf-8"))
            return Champion(record["version"], record["label_config"], record.get("mapping", {}))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ModelStoreError(
                f"unreadable champion pointer of {project_key}: {error}"
            ) from error

    def set_champion(self, project_key: str, champion: Champion) -> None:
        """Point the project at a version that is in the store; raises ModelStoreError if not."""
        if not self.version_folder(project_key, champion.version).is_dir():
            raise ModelStoreError(f"{project_key} has no version {champion.version}")
        content = json.dumps(asdict(champion), ensure_ascii=False).encode()
        write_atomically(self.champion_path(project_key), content)

    def _project(self, project_key: str) -> Path:
        return self.root / _checked(project_key)


def _checked(name: str) -> str:
    if not KEY.fullmatch(name):
        raise ModelStoreError(f"not a usable name for the model store: {name!r}")
    return name
