"""A training's folder: never overwritten, gone on from by the same training only."""

from pathlib import Path

import pytest

from ml_backend.cli.destination import Destination
from ml_backend.cli.terminal import MistakeError


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    return Destination(tmp_path / "new" / "out")


def write_version(destination: Destination) -> None:
    (destination.version / "assets").mkdir(parents=True)
    for name in ("config.json", "weights", "assets/words"):
        (destination.version / name).write_text(name)


def test_a_new_or_empty_folder_is_taken_and_filled(destination: Destination) -> None:
    destination.out.mkdir(parents=True)
    assert destination.claim("mark") is False
    write_version(destination)
    destination.finish()
    names = sorted(p.relative_to(destination.out).as_posix() for p in destination.out.rglob("*"))
    assert names == ["assets", "assets/words", "config.json", "weights"]
    with pytest.raises(MistakeError, match="holds a tagger already"):
        destination.claim("mark")


def test_the_same_training_goes_on_with_its_state_but_not_with_half_a_version(
    destination: Destination,
) -> None:
    destination.claim("mark")
    destination.state.mkdir()
    (destination.state / "step").write_text("3")
    write_version(destination)
    assert destination.claim("mark") is True
    assert (destination.state / "step").read_text() == "3"
    assert not destination.version.exists()


def test_a_training_killed_while_it_moved_the_version_goes_on(destination: Destination) -> None:
    destination.claim("mark")
    write_version(destination)
    (destination.version / "weights").rename(destination.out / "weights")
    assert destination.claim("mark") is True
    write_version(destination)
    (destination.out / "assets").mkdir()
    (destination.out / "assets" / "old").touch()
    destination.finish()
    assert (destination.out / "weights").read_text() == "weights"
    assert [path.name for path in (destination.out / "assets").iterdir()] == ["words"]


def test_what_fails_before_anything_was_saved_gives_the_folder_back(
    destination: Destination,
) -> None:
    for saved in (False, True):
        destination.claim("mark")
        if saved:
            destination.state.mkdir()
        with pytest.raises(KeyboardInterrupt), destination.given_back():
            raise KeyboardInterrupt
        assert destination.unfinished.exists() is saved
        assert destination.out.exists() is saved


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MistakeError, match=r"file/out cannot be written: Not a directory"):
        Destination(tmp_path / "file" / "out").claim("mark")


def test_another_training_and_other_files_are_left_alone(destination: Destination) -> None:
    destination.claim("mark")
    with pytest.raises(MistakeError, match="of other gold, options or seed"):
        destination.claim("other")
    (destination.unfinished / "asked.json").write_text("{}")
    with pytest.raises(MistakeError, match="cannot be read"):
        destination.claim("mark")
    other = Destination(destination.out.parent)
    with pytest.raises(MistakeError, match="is not an empty folder"):
        other.claim("mark")
    (destination.out.parent / "file").touch()
    with pytest.raises(MistakeError, match="is not an empty folder"):
        Destination(destination.out.parent / "file").claim("mark")
