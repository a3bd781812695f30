"""Leaks: copies, exact or near, that stand in different parts. A proof, not a lookup.

The database's groups are held against the parts of their documents. A snapshot or a release is
read as it lies there: copies among its texts are searched anew, so that a text that somebody put
in by hand is found as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
from sqlalchemy.orm import Session

from backend.db.splits import torn_exact_groups, torn_near_groups
from backend.db.tables import Part, Project
from backend.workflow.duplicates.near import compare
from backend.workflow.duplicates.near_index import Progress, open_index
from backend.workflow.duplicates.near_sketch import Similarity, sketch
from backend.workflow.duplicates.normal_form import group_key
from ml_backend.contract.snapshot import read_manifest, read_part

CHUNK = 20_000  # texts compared at a time
NAMED = 5  # documents of a part that a leak names

Placed = tuple[str, str, str]  # part, document's id, text


@dataclass(frozen=True, slots=True)
class Leak:
    """Copies in different parts: some documents of each."""

    where: str
    kind: str  # exact, near
    documents: dict[str, list[str]]

    def __str__(self) -> str:
        told = "; ".join(f"{part}: {', '.join(names)}" for part, names in self.documents.items())
        return f"{self.where}: {self.kind} copies in different parts: {told}"


@dataclass(slots=True)
class SplitReport:
    """Where was looked, at how many documents, and the leaks that were found."""

    looked_at: dict[str, int] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.leaks

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"holds": self.holds, **asdict(self)}

    def lines(self) -> Iterator[str]:
        """As sentences."""
        for where, count in self.looked_at.items():
            yield f"{where}: {count} documents"
        yield from map(str, self.leaks)
        yield (
            "no copies, exact or near, stand in different parts"
            if self.holds
            else f"{len(self.leaks)} leaks"
        )


def project_leaks(session: Session, project: Project) -> SplitReport:
    """Hold a project's groups against the parts of its documents."""
    here = f"project {project.key}"
    exact, near = torn_exact_groups(session, project.id), torn_near_groups(session, project.id)
    leaks = [Leak(here, "exact", found) for found in exact.groups]
    leaks += [Leak(here, "near", found) for found in near.groups]
    return SplitReport({here: exact.documents}, leaks)


def folder_leaks(
    report: SplitReport,
    similarity: Similarity,
    snapshots: Sequence[Path] = (),
    releases: Sequence[Path] = (),
) -> None:
    """Search the snapshots and releases that lie in these folders, and add what is found."""
    folders = [(f"snapshot {folder}", _snapshot(folder)) for folder in snapshots]
    folders += [(f"release {folder}", _release(folder)) for folder in releases]
    for where, documents in folders:
        report.looked_at[where], leaks = leaks_among(documents, similarity, where)
        report.leaks += leaks


def leaks_among(
    documents: Iterable[Placed], similarity: Similarity, where: str
) -> tuple[int, list[Leak]]:
    """How many documents these are, and the groups of copies among them in several parts."""
    placed: list[tuple[str, str]] = []  # part and id of each document
    first: dict[str, int] = {}  # of each exact group
    exact: dict[int, list[int]] = {}
    near: dict[int, int] = {}
    left = iter(documents)
    with TemporaryDirectory(prefix="goldloop-splits-") as folder:
        index = open_index(Path(folder), similarity)
        while chunk := list(islice(left, CHUNK)):
            fresh: list[tuple[int, str]] = []
            for part, name, text in chunk:
                number = len(placed)
                placed.append((part, name))
                oldest = first.setdefault(group_key(text, similarity.casefold), number)
                if oldest == number:
                    fresh.append((number, text))
                else:
                    exact.setdefault(oldest, [oldest]).append(number)
            sketches = sketch([text for _, text in fresh], similarity)
            numbers = np.array([number + 1 for number, _ in fresh], np.int64)  # 0 is no group
            near |= compare(index, numbers[sketches.places], sketches, near).near
            index.keep(Progress(len(placed), len(placed)))
    groups: dict[int, list[int]] = {}
    for number, group in near.items():
        groups.setdefault(group, []).extend(exact.get(number - 1, [number - 1]))
    found = [("exact", members) for members in exact.values()]
    found += [("near", members) for members in groups.values()]
    return len(placed), [
        Leak(where, kind, by_part)
        for kind, members in found
        if len(by_part := _by_part(placed[member] for member in members)) > 1
    ]


def _by_part(members: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part, name in members:
        names = found.setdefault(part, [])
        if len(names) < NAMED:
            names.append(name)
    return found


def _snapshot(folder: Path) -> Iterator[Placed]:
    for part in read_manifest(folder).counts:
        for document in read_part(folder, part):
            yield part, document.id, document.text


def _release(folder: Path) -> Iterator[Placed]:
    for part in Part:
        path = folder / f"{part.value}.jsonl"
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    record = orjson.loads(line)
                    yield part.value, str(record["id"]), record["text"]
