"""A file is there when it is complete."""

from pathlib import Path

import pytest

from backend.errors import InvalidInputError
from backend.workflow.whole_file import whole_file


def test_it_takes_the_place_of_the_old_one_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text("old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def broken_off(path: Path, why: type[BaseException]) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise why


@pytest.mark.parametrize("why", [KeyboardInterrupt, ValueError])
def test_what_breaks_off_leaves_nothing(tmp_path: Path, why: type[BaseException]) -> None:
    path = tmp_path / "gold.jsonl"
    with pytest.raises(why):
        broken_off(path, why)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "no" / "gold.jsonl"
    with pytest.raises(InvalidInputError, match="cannot be written: No such"), whole_file(path):
        pass
