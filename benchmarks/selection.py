"""Selecting 1,000 of 100,000 documents from stored scores and vectors.

`selection_mnlp` is the whole of it for MNLP, from the rows of the database to the chosen ids, as a
multiple of having the database itself sort the same rows by a stored score: what selection was
before there were strategies. `choose_mnlp` is the choice alone against NumPy's sort of the scores.
Diversity is timed whole: rows, vectors from their files, choice. Each is the median of three.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from backend.commands.db import upgrade_database
from backend.db.pool import pool
from backend.db.session import Database, connect
from backend.db.tables import Document, Project, Version
from backend.db.tables_of_selection import DocumentScore
from backend.settings import Settings
from backend.workflow.selection.candidates import Ranking, of_pool
from backend.workflow.strategies.features import make_features
from backend.workflow.strategies.mixtures import choose

DOCUMENTS, CHOSEN, WIDTH, GRADIENT, A_FILE = 100_000, 1000, 256, 256, 5000
SORTING_BAR, DIVERSITY_BAR = 2.0, 30.0  # times as long; seconds
DIVERSE = {
    "k_means": {"k_means": 1.0},
    "k_center": {"k_center": 1.0},
    "badge": {"badge": 1.0},
    "mixed": {"mnlp": 1.0, "cost": 1.0, "k_means": 1.0},
}


def fill(database: Database, folder: Path, documents: int) -> tuple[int, int]:
    """A pool of made-up documents that a version scored; numbers of project and version."""
    random = np.random.default_rng(0)
    with database.write() as session:
        project = Project(key="bench", name="bench", label_config="", labels=["PS"])
        session.add(project)
        session.flush()
        version = Version(project_id=project.id, name="v1")
        session.add(version)
        session.flush()
        numbers = (project.id, version.id)
    centres = random.normal(size=(300, WIDTH))
    for first in range(0, documents, A_FILE):
        count = min(A_FILE, documents - first)
        made = centres[random.integers(300, size=count)] + random.normal(size=(count, WIDTH))
        np.save(folder / f"{first}-vectors.npy", made.astype(np.float16))
        lengths = random.exponential(size=(count, 1))
        gradients = random.normal(size=(count, GRADIENT)) * lengths
        np.save(folder / f"{first}-gradients.npy", gradients.astype(np.float16))
        with database.write() as session:
            session.execute(insert(Document), [_document(first + n, numbers) for n in range(count)])
            rows = [_score(random, first, n, numbers) for n in range(count)]
            session.execute(insert(DocumentScore), rows)
    return numbers


def _document(number: int, numbers: tuple[int, int]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "project_id": numbers[0],
        "external_id": str(number),
        "text": f"{number} 번째 문서에는 이름과 곳이 있다. " * (1 + number % 7),
        "group_key": f"{number * 2654435761 % 2**32:08x}",
        "deduped": True,
    }


def _score(
    random: np.random.Generator, first: int, row: int, numbers: tuple[int, int]
) -> dict[str, Any]:
    return {
        "document_id": first + row + 1,
        "version_id": numbers[1],
        "log_probability": -float(random.exponential(3)),
        "characters": 20 + row % 100,
        **dict.fromkeys(("margin", "mean_entropy", "max_entropy"), float(random.random())),
        "expected": {"PS": 1.0},
        "entities": 1.0,
        "edits": 0.5,
        "arrays": str(first),
        "row": row,
    }


def whole(database: Database, folder: Path, numbers: tuple[int, int], mixture: Any) -> None:
    """What `select` does to rank: candidates, features, choice."""
    with database.read() as session:
        project = session.get_one(Project, numbers[0])
        ranking = Ranking(numbers[1], mixture, folder)
        candidates = of_pool(session, project, ranking, border="00")
    assert len(candidates.in_order(CHOSEN)) == min(CHOSEN, len(candidates))


def sorted_by_database(database: Database, numbers: tuple[int, int]) -> None:
    """All of the pool in the order of a stored score, as the database sorts it."""
    score = DocumentScore.log_probability / DocumentScore.characters
    with database.read() as session:
        inner = pool(numbers[0], border="00", at_random=False).subquery()
        statement = (
            select(inner.c.id, score)
            .join(DocumentScore, DocumentScore.document_id == inner.c.id)
            .where(DocumentScore.version_id == numbers[1])
            .order_by(score)
        )
        session.execute(statement).all()


def seconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


def tell(name: str, value: float, bar: float | None, unit: str, **more: object) -> bool:
    """One figure as a line of JSON; whether it keeps its bar."""
    ok = bar is None or value <= bar
    record = {"name": name, "value": round(value, 3), "bar": bar, "unit": unit, "ok": ok, **more}
    print(json.dumps(record), flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    documents = parser.parse_args().documents
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(_env_file=None, goldloop_home=Path(home), database_url="")
        upgrade_database(settings)
        database = connect(settings.database_address)
        folder = Path(home)
        numbers = fill(database, folder, documents)
        sorting = seconds(lambda: sorted_by_database(database, numbers))
        took = seconds(lambda: whole(database, folder, numbers, {"mnlp": 1.0}))
        kept = tell("selection_mnlp", took / sorting, SORTING_BAR, "x", seconds=round(took, 3))
        kept &= _choice(documents)
        for name, mixture in DIVERSE.items():
            took = seconds(lambda mixture=mixture: whole(database, folder, numbers, mixture))
            kept &= tell(f"selection_{name}", took, DIVERSITY_BAR, "s")
        database.engine.dispose()
    return 0 if kept else 1


def _choice(documents: int) -> bool:
    random = np.random.default_rng(0)
    scores = [{"log_probability": -one, "characters": 10} for one in random.random(documents)]
    features = make_features(range(documents), [10] * documents, scores, [])
    values = features.log_probability / features.characters
    sorting = seconds(lambda: np.argsort(values)[:CHOSEN])
    took = seconds(lambda: choose({"mnlp": 1.0}, features, CHOSEN))
    milliseconds = round(took * 1000, 2)
    return tell("choose_mnlp", took / sorting, SORTING_BAR, "x", milliseconds=milliseconds)


if __name__ == "__main__":
    sys.exit(main())
