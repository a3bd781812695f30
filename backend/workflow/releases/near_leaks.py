"""Near copies in different splits, looked for anew in a release's own texts."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from backend.workflow.duplicates.near import compare
from backend.workflow.duplicates.near_index import open_index
from backend.workflow.duplicates.near_sketch import Similarity, sketch

CHUNK = 20_000  # texts compared at a time


class Place(NamedTuple):
    """Where a document stands."""

    split: str
    line: int
    document: str


class NearLeaks:
    """Takes the texts of a release, one of each group of exact copies, and compares them."""

    def __init__(self, *, near_threshold: float, casefold: bool):
        self._similarity = Similarity(near_threshold, casefold)
        self._folder = tempfile.TemporaryDirectory(prefix="goldloop-near-")
        self._index = open_index(Path(self._folder.name), self._similarity)
        self._texts: list[str] = []  # not compared yet
        self._places: list[Place] = []
        self._near: dict[int, int] = {}  # place in the list, from 1 on → the first of its group

    def add(self, text: str, place: Place) -> None:
        """Take a text."""
        self._texts.append(text)
        self._places.append(place)
        if len(self._texts) == CHUNK:
            self._compare()

    def found(self) -> Iterator[tuple[Place, Place]]:
        """Each document that is nearly one of another split, with the first of its group."""
        self._compare()
        self._folder.cleanup()
        for number, first in sorted(self._near.items()):
            place, other = self._places[number - 1], self._places[first - 1]
            if place.split != other.split:
                yield place, other

    def _compare(self) -> None:
        sketches = sketch(self._texts, self._similarity)
        numbers = sketches.places + len(self._places) - len(self._texts) + 1
        self._near |= compare(self._index, numbers, sketches, self._near).near
        self._texts = []
