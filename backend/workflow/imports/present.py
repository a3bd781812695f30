"""Which ids and keys a project holds already, so that an import asks only for what may be there.

Most documents of a large file are new: asking the database for each of their ids and keys takes
longer than hashing all the texts.
"""

from collections.abc import Collection, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.document_counts import count_documents
from backend.db.projects import settings_of, walked_in
from backend.db.tables import Document, Project
from backend.workflow.imports.ready_documents import ReadyDocument

_PLACES = 1 << 25  # bytes; of half a million documents, 3 % of what is new is asked for in vain
_READ = 10_000  # documents at a time


class Present:
    """What one import knows of the ids and keys in its project: a Bloom filter of one hash.

    All that was there before is read once the import has added as much, so that a small one into
    a large project never pays for it; until then anything may be there.
    """

    def __init__(self) -> None:
        self._taken: NDArray[np.bool_] | None = None
        self._folded: bool | None = None  # how the keys among them were made
        self._newest = self._added = 0  # document id; documents

    def catch_up(self, session: Session, project: Project, ids: Sequence[int]) -> None:
        """Learn what others have added; `ids` are the chunk's, in their order.

        They are taken while the project's row is held, as others take theirs: what is new has a
        higher one than all that is known, and there is nothing when these are the next.
        """
        folded = settings_of(project).casefold
        if folded != project.keys_folded or folded != self._folded:  # keys that were made anew
            self._taken, self._folded = None, folded
        if folded != project.keys_folded:
            return
        if self._taken is None:
            if count_documents(session, [project.id])[project.id].total > 2 * self._added:
                return
            self._taken, self._newest = np.zeros(_PLACES, np.bool_), 0
        if ids and ids[0] == self._newest + 1:
            return
        rows = session.execute(
            select(Document.id, Document.external_id, Document.group_key)
            .where(walked_in(Document.project_id, project.id), Document.id > self._newest)
            .order_by(Document.id)
        )
        for part in rows.partitions(_READ):
            self._note([name for _, name, _ in part], [key for _, _, key in part])
            self._newest = part[-1].id

    def among(self, values: Collection[str]) -> set[str]:
        """Those of the ids or keys that may be there: all that are, and hardly another."""
        if self._taken is None:
            return set(values)
        return set(compress(values, self._taken[_places(values)].tolist()))

    def add(self, ids: Sequence[int], documents: Collection[ReadyDocument]) -> None:
        """Note documents that the import has just added, and their ids, the last of its chunk."""
        self._added += len(ids)
        if ids:
            self._newest = ids[-1]
            self._note([one.external_id for one in documents], [one.group_key for one in documents])

    def _note(self, names: Collection[str], keys: Collection[str]) -> None:
        if self._taken is not None:
            self._taken[_places(names)] = True
            self._taken[_places(keys)] = True


def _places(values: Collection[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, values), np.int64, len(values)) & (_PLACES - 1)
