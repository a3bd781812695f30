"""The course of a training as it is appended and read."""

from pathlib import Path

from ml_backend.contract.course import CoursePoint, append_point, read_course


def test_points_are_read_by_step_and_what_was_said_again_counts(tmp_path: Path) -> None:
    path = tmp_path / "course.jsonl"
    assert read_course(path) == []
    points = [CoursePoint(1, 0.1, 5.0), CoursePoint(20, 2.0, 1.0, 0.5), CoursePoint(10, 1.0, 2.0)]
    for point in points:
        append_point(path, point)
    append_point(path, CoursePoint(20, 2.0, 1.1, 0.6))
    assert read_course(path) == [points[0], points[2], CoursePoint(20, 2.0, 1.1, 0.6)]


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "course.jsonl"
    append_point(path, CoursePoint(1, 0.1, 5.0))
    with path.open("a") as file:
        file.write('{"step": 2, "ep')
    assert [point.step for point in read_course(path)] == [1]
