"""Forecasts of what a target needs: of known curves, of hopeless ones, and of a project's own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.db.session import Database
from backend.db.tables import AnnotationState, Project, Version, now
from backend.errors import InvalidInputError
from backend.workflow.forecasts.forecast import State, forecast, project_forecast, proposed
from backend.workflow.forecasts.learning_curve import FARTHEST, Point
from backend.workflow.selection.pace import LEAST, Pace, pace_of
from tests.backend.workflow.loop_data import add_documents, add_project

SIZES = (100, 200, 300, 450, 600, 800, 1000, 1200)
LABELS = ("PS", "LC")


def known(documents: float) -> float:
    return 0.95 - 1.5 * documents**-0.4


def points(support: int = 4000) -> list[Point]:
    return [Point(n, known(n), support) for n in SIZES]


def needed(target: float) -> float:
    """More documents than the last size, by the known curve."""
    return (1.5 / (0.95 - target)) ** 2.5 - SIZES[-1]


@pytest.mark.parametrize("target", [0.875, 0.885, 0.895])
def test_what_a_target_needs_lies_in_the_range(target: float) -> None:
    found = forecast("", points(), target, Pace(30.0))
    assert found.state in (State.REACHABLE, State.UNCERTAIN)
    assert found.documents is not None
    assert found.documents.holds(needed(target))
    assert 0.5 < found.documents.middle / needed(target) < 2
    assert found.minutes is not None
    assert found.minutes.holds(needed(target) / 2)
    assert found.minutes.middle == pytest.approx(found.documents.middle / 2, rel=0.1)


def test_what_is_there_needs_nothing() -> None:
    found = forecast("", points(), 0.6, Pace(30.0))
    assert found.state == State.REACHED
    assert (found.documents.low, found.documents.high) == (0, 0)
    assert found.minutes.high == 0


def test_a_curve_that_has_ended_reaches_nothing_more() -> None:
    flat = [Point(n, 0.7 + 0.001 * (n % 3), 5000) for n in (200, 400, 800, 1200, 2000, 3000, 4500)]
    found = forecast("", flat, 0.9, None)
    assert found.state == State.OUT_OF_REACH
    assert found.chance < 0.1
    assert found.documents.low is None
    assert found.farthest.high < 0.9
    assert found.minutes is None  # nobody was timed


def test_little_gold_to_judge_by_says_nothing() -> None:
    assert forecast("PS", points(support=9), 0.9, None).state == State.UNKNOWN
    assert forecast("PS", points()[:2], 0.9, None).state == State.UNKNOWN
    assert forecast("PS", [], 0.9, None).state == State.UNKNOWN


def test_what_judges_versions_has_to_be_labelled_too() -> None:
    every, some = (forecast("", points(), 0.885, None, held_out=share) for share in (0, 0.5))
    assert some.documents.middle == pytest.approx(2 * every.documents.middle)


def test_the_target_that_is_proposed_is_the_next_twentieth() -> None:
    assert proposed([Point(100, 0.71)]) == 0.75
    assert proposed([Point(100, 0.75)]) == 0.8
    assert proposed([Point(100, 0.97)]) == 0.95
    assert proposed([]) == 0.05


@given(
    st.lists(
        st.builds(Point, st.integers(1, 10**5), st.floats(0, 1), st.integers(10, 10**4)),
        min_size=3,
        max_size=12,
        unique_by=lambda point: point.documents,
    ),
    st.floats(0.01, 0.99),
    st.floats(0.1, 1000),
)
def test_the_ends_of_a_range_are_in_order(its: list[Point], target: float, pace: float) -> None:
    found = forecast("", its, target, Pace(pace))
    for amount in (found.documents, found.minutes):
        ends = [
            math.inf if one is None else one for one in (amount.low, amount.middle, amount.high)
        ]
        assert 0 <= ends[0] <= ends[1] <= ends[2]
    assert (found.state == State.OUT_OF_REACH) == (found.documents.low is None)
    last = max(point.documents for point in its)
    if found.documents.high is not None:
        assert found.documents.high <= FARTHEST * last


def test_a_pace_forgives_who_was_away() -> None:
    assert pace_of([30.0] * (LEAST - 1)) is None
    steady, interrupted = pace_of([30.0] * 100), pace_of([30.0] * 99 + [36_000.0])
    assert steady.seconds == 30
    assert interrupted.seconds == pytest.approx(32.7)
    assert interrupted.spread > steady.spread


def add_version(project: Project, number: int, documents: int, **figures: object) -> Version:
    """A version judged on dev: F1 as the known curve has it, of two labels."""
    f1 = known(documents)
    counts = {"predicted": 2000, "support": 2000}
    right = {"PS": round(2000 * min(1, f1 + 0.04)), "LC": round(2000 * (f1 - 0.04))}
    per_label = {label: {"true_positive": right[label], **counts} for label in LABELS}
    micro = {"true_positive": sum(right.values()), "predicted": 4000, "support": 4000}
    dev = {"micro": micro, "per_label": per_label}
    return Version(
        project_id=project.id,
        name=f"v{number}",
        figures={"training": {"documents": documents, "dev": dev}, **figures},
    )


def test_a_project_is_forecast_by_all_its_versions(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        project.settings = {"random_share": 0.2}
        other = {"labels": {"trained": ["PS"], "mapping": {}, "left_out": {}}}
        session.add_all([add_version(project, 1, 90, **other)])
        session.add_all([add_version(project, 2 + n, size) for n, size in enumerate(SIZES)])
        documents = add_documents(session, project, [f"글 {n}" for n in range(LEAST)])
        session.flush()
        session.add_all(
            AnnotationState(
                project_id=project.id,
                document_id=one.id,
                annotation_id=number,
                updated_at=now(),
                status="submitted",
                lead_time=40.0,
            )
            for number, one in enumerate(documents, start=1)
        )
    with any_database.read() as session:
        found = project_forecast(session, session.get_one(Project, project.id), 0.885)
        proposed_one = project_forecast(session, session.get_one(Project, project.id))
        with pytest.raises(InvalidInputError):
            project_forecast(session, session.get_one(Project, project.id), 1.0)
    assert (found.versions, found.other_versions, found.documents) == (8, 1, 1200)
    assert found.measured_on == "dev gold"
    assert (found.held_out, found.seconds) == (0.2, 40)
    assert found.overall.documents.holds(needed(0.885) / 0.8)
    assert [one.label for one in found.labels] == ["LC", "PS"]  # the worst first
    assert found.labels[1].state == State.REACHED
    assert proposed_one.target == 0.9
    assert found.to_dict()["overall"]["state"] == found.overall.state


def test_a_project_without_versions_is_told_so(database: Database) -> None:
    with database.write() as session:
        project = add_project(session)
        found = project_forecast(session, project)
    assert found.overall.state == State.UNKNOWN
    assert (found.versions, found.labels, found.seconds) == (0, [], None)
