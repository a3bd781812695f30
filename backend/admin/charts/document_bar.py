"""The documents of a project by state, as the segments of one bar."""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from backend.db.document_counts import DocumentCounts

_STATES = (
    ("person", _l("Gold by people"), _l("corrected or accepted in Label Studio")),
    ("imported", _l("Gold imported"), _l("came with a file")),
    ("rule", _l("Gold by rule"), _l("accepted by the autolabel promise")),
    ("open", _l("In Label Studio"), _l("wait there for a person")),
    ("skipped", _l("Done without gold"), _l("skipped, or annotators disagree")),
    ("pool", _l("In the pool"), _l("not shown to people yet")),
    ("unsorted", _l("Not deduplicated yet"), _l("dedupe looks at them next")),
    ("deleted", _l("Task deleted"), _l("in Label Studio; people are not shown it again")),
    ("copies", _l("Copies set aside"), _l("same text as another document")),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One state: where its part of the bar begins and how wide it is, in percent."""

    state: str
    name: LazyString
    meaning: LazyString
    count: int
    start: float
    width: float


def document_bar(counts: DocumentCounts) -> list[Segment]:
    """The segments in the order of the data path's end to its beginning; empty ones stay out."""
    segments: list[Segment] = []
    start = 0.0
    for state, name, meaning in _STATES:
        count: int = getattr(counts, state)
        if not count:
            continue
        width = 100 * count / counts.total
        segments.append(Segment(state, name, meaning, count, start, width))
        start += width
    return segments
