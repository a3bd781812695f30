"""The documents of a project by state, as the segments of one bar."""

from dataclasses import dataclass

from backend.db.document_counts import DocumentCounts

_STATES = (
    ("person", "Gold by people", "corrected or accepted in Label Studio"),
    ("imported", "Gold imported", "came with a file"),
    ("rule", "Gold by rule", "accepted by the autolabel promise"),
    ("open", "Open in Label Studio", "wait there for a person"),
    ("skipped", "Done without gold", "skipped, or annotators disagree"),
    ("pool", "In the pool", "not shown to people yet"),
    ("unsorted", "Not deduplicated yet", "dedupe looks at them next"),
    ("deleted", "Task deleted", "in Label Studio; people are not shown it again"),
    ("copies", "Copies set aside", "same text as another document"),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One state: where its part of the bar begins and how wide it is, in percent."""

    state: str
    name: str
    meaning: str
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
