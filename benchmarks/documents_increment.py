"""A thousand documents more, against the import of all that were there before.

The corpus is imported on SQLite, its exact copies are set aside and its near ones found; then a
thousand new documents, some of them copies of each other, take the same way. The figures are what
that took as a share of what the whole did. The near search has to read which groups there are; all
else grows with the import.
"""

from collections.abc import Iterator
from pathlib import Path

from documents_corpus import write_corpus
from documents_place import KEY, Figure, Place, Timer, alone, database_of, ratio

from backend.db.projects import project_by_key
from backend.loop.copies import dedupe_all
from backend.loop.import_files import HowToRead, import_file
from backend.loop.near import find_near
from backend.settings import Settings
from backend.workflow.formats.adapting import Adaptation

MORE, SEED = 1000, 1
BAR = 0.05


def increment_row(place: Place) -> Iterator[Figure]:
    """Import with exact copies, and near copies, of the whole corpus and of a thousand more."""
    settings = place.settings("sqlite", "grown", fresh=True)
    more = place.folder / f"more-{MORE}.jsonl"
    write_corpus(more, MORE, SEED)
    took = {
        (size, step.__name__): alone(step, settings, corpus, prefix)
        for size, corpus, prefix in (("whole", place.corpus, ""), ("more", more, "more-"))
        for step in (_exact, _near)
    }
    for name, step in (("increment_exact", _exact), ("increment_near", _near)):
        ours, whole = (took[size, step.__name__] for size in ("more", "whole"))
        counts = {"documents": ours.result, "beside": whole.result}
        yield ratio(name, ours.seconds, whole.seconds, BAR, **counts)


def _exact(timer: Timer, settings: Settings, corpus: Path, prefix: str) -> int:
    """Import a file and set exact copies aside; how many documents are new."""
    database = database_of(settings)
    with timer:
        how = HowToRead(adapt=Adaptation(id_prefix=prefix))
        report = import_file(database, KEY, corpus, None, how=how)
        with database.read() as session:
            project_id = project_by_key(session, KEY).id
        dedupe_all(database, project_id)
    return report.added


def _near(timer: Timer, settings: Settings, _corpus: Path, _prefix: str) -> int:
    """Find near copies; how many documents were looked at."""
    database = database_of(settings)
    with database.read() as session:
        project_id = project_by_key(session, KEY).id
    with timer:
        report = find_near(database, settings.jobs, project_id)
    assert report is not None
    return report.looked_at


ROWS = {"increment": increment_row}
