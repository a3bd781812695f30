"""Half a million documents in, sorted, counted, and out again, each beside the bare work.

The generated corpus (documents_corpus.py) is imported with its entities as gold, on SQLite and on
PostgreSQL; every figure is a ratio to what the database driver, `hashlib` or orjson alone take for
the same rows in the same run, or a time or memory of its own. Both sides stand in each line. What
is measured runs in a process of its own, so that its peak memory is its own too.

    python benchmarks/documents.py --documents 20000 --only import_sqlite dedupe_exact_sqlite

Near copies (documents_near.py) are compared among the corpus's texts; documents_increment.py is
what a thousand documents more take; the autolabel queue (documents_autolabel.py) is measured on
the first twenty thousand.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import documents_autolabel  # first of all: it brings the tagger  # isort: skip
import documents_balance
import documents_dedupe
import documents_export
import documents_import
import documents_increment
import documents_near
import orjson
from documents_corpus import write_corpus
from documents_place import Figure, Place, tell

DOCUMENTS = 525_659
LABELLED = 20_000  # documents of the autolabel queue

Row = Callable[[Place], Iterator[Figure]]


def near(place: Place) -> Iterator[Figure]:
    """Near copies among all texts of the corpus."""
    with place.corpus.open("rb") as lines:
        texts = [orjson.loads(line)["text"] for line in lines]
    yield from documents_near.near_figures(texts)


def autolabel(place: Place) -> Iterator[Figure]:
    """The autolabel queue with one worker and with two."""
    smaller = Place(place.folder, min(place.documents, LABELLED))
    yield from documents_autolabel.rows(smaller, "sqlite", workers=2)


ROWS: dict[str, Row] = {
    **documents_import.ROWS,
    **documents_dedupe.ROWS,
    **documents_balance.ROWS,
    **documents_export.ROWS,
    **documents_increment.ROWS,
    "near": near,
    "autolabel": autolabel,
}


def main() -> int:
    """Measure the rows asked for and print a JSON object a figure; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--documents", type=int, default=DOCUMENTS)
    options.add_argument("--only", nargs="+", choices=sorted(ROWS), default=list(ROWS))
    options.add_argument("--folder", type=Path, help="keeps corpus and databases for another run")
    given = options.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(given.folder or Path(temporary), given.documents)
        place.folder.mkdir(parents=True, exist_ok=True)
        if not place.corpus.exists():
            tell(f"writing {given.documents:,} documents")
            write_corpus(place.corpus, given.documents)
        for name in given.only:
            tell(name)
            for figure in ROWS[name](place):
                missed += not figure["ok"]
                print(json.dumps(figure, ensure_ascii=False), flush=True)
        place.close()
    return 1 if missed else 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
