"""Tables whose cells are tinted by their figures: scores of labels, differences, confusions."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.workflow.versions.report import VersionReport
from ml_backend.contract.label_intervals import LabelIntervals, ScoreIntervals
from ml_backend.contract.scoring import Counts, Interval

STEPS = 10  # CSS classes heat-0 … heat-10


def heat(share: float) -> str:
    """The CSS class of a share between 0 and 1."""
    return f"heat-{round(max(0.0, min(1.0, share)) * STEPS)}"


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """A score, its interval and its tint."""

    value: float
    interval: Interval
    tint: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One label's scores; of all labels together where `label` is empty."""

    label: str
    support: int
    predicted: int
    cells: tuple[ScoreCell, ...]  # precision, recall, F1


def score_rows(report: VersionReport) -> list[ScoreRow]:
    """All together first, then each label, the most frequent in gold first."""
    labels = sorted(report.scores.per_label.items(), key=lambda one: (-one[1].support, one[0]))
    return [
        _row("", report.scores.micro, report.intervals.micro),
        *(_row(label, counts, report.intervals.per_label[label]) for label, counts in labels),
    ]


def _row(label: str, counts: Counts, intervals: ScoreIntervals) -> ScoreRow:
    values = (counts.precision, counts.recall, counts.f1)
    given = (intervals.precision, intervals.recall, intervals.f1)
    cells = tuple(ScoreCell(v, i, _tint(v)) for v, i in zip(values, given, strict=True))
    return ScoreRow(label, counts.support, counts.predicted, cells)


def _tint(score: float) -> str:
    """Green from a half upwards, red from a half downwards, both the fuller the further."""
    return f"{heat(2 * abs(score - 0.5))} {'right' if score >= 0.5 else 'wrong'}"


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """What a label's scores differ by; of all labels together where `label` is empty."""

    label: str
    precision: Interval
    recall: Interval
    f1: Interval

    @property
    def told(self) -> str:
        """`better` or `worse` where the interval of the F1 leaves out 0, else `undecided`."""
        if self.f1.low > 0:
            return "better"
        return "worse" if self.f1.high < 0 else "undecided"


def difference_rows(intervals: LabelIntervals) -> list[DifferenceRow]:
    """All together first, then each label, the largest difference first."""
    labels = sorted(intervals.per_label.items(), key=lambda one: (-abs(one[1].f1.estimate), one[0]))
    return [
        DifferenceRow(label, one.precision, one.recall, one.f1)
        for label, one in (("", intervals.micro), *labels)
    ]


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """How often; `kind` is `right`, `wrong` or `none`, the tint is of its share of the row.

    A quarter that is wrong has the full tint.
    """

    count: int
    kind: str
    tint: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """Gold labels down, predicted ones across; `missed` ends each row, `spurious` each column."""

    labels: list[str]
    rows: list[tuple[str, list[ConfusionCell], ConfusionCell]]
    spurious: list[ConfusionCell]


def confusion(mistakes: Mapping[str, object]) -> Confusion:
    """The matrix over equal spans, of the labels that occur, the most frequent first."""
    counts = {(one["gold"], one["predicted"]): one["count"] for one in mistakes["confusion"]}  # type: ignore[attr-defined]
    missed: Mapping[str, int] = mistakes["missed"]  # type: ignore[assignment]
    spurious: Mapping[str, int] = mistakes["spurious"]  # type: ignore[assignment]
    gold: dict[str, int] = dict(missed)
    found: dict[str, int] = dict(spurious)
    for (label, predicted), count in counts.items():
        gold[label] = gold.get(label, 0) + count
        found[predicted] = found.get(predicted, 0) + count
    labels = sorted(gold.keys() | found.keys(), key=lambda one: (-gold.get(one, 0), one))
    return Confusion(
        labels,
        [
            (
                label,
                [
                    _cell(counts.get((label, other), 0), gold.get(label, 0), label == other)
                    for other in labels
                ],
                _cell(missed.get(label, 0), gold.get(label, 0), right=False),
            )
            for label in labels
        ],
        [_cell(spurious.get(one, 0), found.get(one, 0), right=False) for one in labels],
    )


def _cell(count: int, total: int, right: bool) -> ConfusionCell:
    if not count:
        return ConfusionCell(0, "none", heat(0))
    share = count / total
    return ConfusionCell(count, "right" if right else "wrong", heat(share if right else 4 * share))
