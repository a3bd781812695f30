"""Who vouches for each document's gold, and so for every entity of it.

    {"source": "person", "annotator", "people", "agreement", "version"}
    {"source": "imported", "file"}
    {"source": "decision", "decided_by", "people", "agreement", "decided_on", "reason"}
    {"source": "rule", "p", "delta", "version"}
    {"source": "copied", "from": one of these sources, …what that has…}

`people` annotated the document, and `agreement` is the share of them whose entities are exactly
the gold's; `version` is the model whose prediction an annotator began from or a rule accepted.
Every copy also has `copy_of`, the document that it is a copy of, and a document with near copies
`near`, the key of the oldest of them. Keys without a value are left out. None of it is in the
release's digest: the same gold has the same name whoever vouches for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.releases import Decision, GoldRow, OriginalGold, Said
from backend.db.tables import GoldSource


class Origin(NamedTuple):
    """Where gold comes from, as far as many documents share it."""

    source: str
    original: str | None = None  # the source of the gold that was copied
    file: str | None = None
    annotator: str | None = None
    decided_by: str | None = None
    p: float | None = None
    delta: float | None = None
    version: str | None = None
    people: int | None = None
    agreement: float | None = None

    @property
    def vouching(self) -> str:
        """The source that stands behind it, a copy's original."""
        return self.original or self.source

    def to_dict(self) -> dict[str, Any]:
        """As the provenance has it."""
        found = {"source": self.source, "from": self.original, **self._asdict()}
        return {key: found[key] for key in found if key != "original" and found[key] is not None}


class Provenance:
    """Provenance of pages of gold; what all pages share is read once."""

    def __init__(self, session: Session, project_id: int):
        self._session = session
        self._emails = releases.emails(session)
        self._promises = releases.promises(session, project_id)

    def of(self, page: Sequence[GoldRow]) -> "PageProvenance":
        """Look up what the documents of one page need."""
        copied = [row for row in page if row.source == GoldSource.COPIED]
        originals = releases.originals(
            self._session, {row.canonical_id for row in copied if row.canonical_id}
        )
        people = [row for row in page if row.annotation_state_id or row.adjudication_id]
        nameless = [
            row
            for row in page
            if row.version_name
            and row.account_id is None
            and _vouching(row, originals) == GoldSource.PERSON
        ]
        return PageProvenance(
            emails=self._emails,
            promises=self._promises,
            said=releases.said(self._session, set(map(_labelled, people))),
            originals=originals,
            accepted_by=releases.accepted_by(self._session, set(map(_labelled, nameless))),
            decisions=releases.decisions(
                self._session, {row.adjudication_id for row in page if row.adjudication_id}
            ),
        )


@dataclass(frozen=True, slots=True)
class PageProvenance:
    """The provenance of one page's documents."""

    emails: Mapping[int, str]
    promises: Mapping[int, tuple[float, float]]
    said: Mapping[int, Sequence[Said]]
    originals: Mapping[int, OriginalGold]
    accepted_by: Mapping[int, str]  # who accepted a prediction without an account of their own
    decisions: Mapping[int, Decision]

    def origin(self, row: GoldRow) -> Origin:
        """Where one document's gold comes from."""
        if row.source == GoldSource.IMPORTED:
            return imported(row.file)
        if row.source != GoldSource.COPIED:
            return self._origin(row, row.source, None, row.file)
        copied = self.original(row)
        if copied is None:
            return Origin(row.source)
        return self._origin(row, row.source, copied.source, copied.file)

    def original(self, row: GoldRow) -> OriginalGold | None:
        """The gold of the document that this one is a copy of."""
        return self.originals.get(row.canonical_id or 0)

    def own(self, row: GoldRow) -> dict[str, Any]:
        """What is told of this document alone; nothing of most."""
        found: dict[str, Any] = {}
        decision = self.decisions.get(row.adjudication_id or 0)
        if decision is not None:
            found["decided_on"] = decision.external_id
            if decision.reason:
                found["reason"] = decision.reason
        if row.copy_of is not None:
            found["copy_of"] = row.copy_of
        if row.near_key is not None:
            found["near"] = row.near_key
        return found

    def _origin(self, row: GoldRow, source: str, original: str | None, file: str | None) -> Origin:
        vouching = original or source
        if vouching == GoldSource.IMPORTED:
            return Origin(source, original, file=file)
        if vouching == GoldSource.RULE:
            p, delta = self.promises.get(row.promise_id or 0, (None, None))
            return Origin(source, original, p=p, delta=delta, version=row.version_name)
        document_id = _labelled(row)
        states = self.said.get(document_id, ())
        copied = self.original(row) if original else None
        entities = copied.entities if copied else row.entities  # a copy's may stand elsewhere
        decision = self.decisions.get(row.adjudication_id or 0)
        decided = vouching == GoldSource.DECISION
        return Origin(
            source,
            original,
            annotator=None
            if decided
            else self.emails.get(row.account_id or 0) or self.accepted_by.get(document_id),
            decided_by=decision.decided_by if decided and decision else None,
            version=row.version_name
            or (states[-1].version_name if states and not decided else None),
            people=len({state.person for state in states}) or None,
            agreement=agreement(states, entities) if states else None,
        )


@lru_cache(256)
def imported(file: str | None) -> Origin:
    """The origin of gold that came with a file."""
    return Origin(GoldSource.IMPORTED.value, file=file)


def agreement(states: Sequence[Said], stored: str) -> float:
    """The share of annotations whose entities are exactly those of gold as it is stored."""
    gold = frozenset((one["start"], one["end"], one["label"]) for one in orjson.loads(stored))
    return round(sum(state.entities == gold for state in states) / len(states), 4)


def _labelled(row: GoldRow) -> int:
    """The document that people labelled: a copied one's original."""
    copied = row.source == GoldSource.COPIED and row.canonical_id is not None
    return row.canonical_id or 0 if copied else row.document_id


def _vouching(row: GoldRow, originals: Mapping[int, OriginalGold]) -> str:
    """The source that stands behind gold, a copy's original."""
    copied = originals.get(row.canonical_id or 0) if row.source == GoldSource.COPIED else None
    return copied.source if copied else row.source
