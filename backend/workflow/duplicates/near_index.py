"""The index of near copies: sorted keys of every sketched text, in segments on disk.

    FOLDER/index.json       what it was made with, its segments, and how far it has come
    FOLDER/segment-A-B/     rows A to B (exclusive): `ids.npy`, `keys.npy` and `rows.npy` by band,
                            `forms.bin` with `ends.npy`: the normal forms in UTF-8

A row is the first document of an exact group; rows stand in the order of their documents' numbers.
A new segment is merged with the last while that is no more than twice as large, so a text is
written anew a logarithmic number of times. `index.json` is replaced last: what is not in it does
not count. The index is made of the database alone and may be deleted at any time.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.workflow.duplicates.near_sketch import (
    HASHES,
    LONGEST,
    Bits,
    Keys,
    Similarity,
    Sketches,
)
from ml_backend.contract.model_store import write_atomically

FORMAT = 1
WINDOW = 64  # rows of a bucket that a text is compared with: those nearest in length
AT_HAND = 500_000  # the newest rows whose forms are kept in memory while documents are appended
Rows = NDArray[np.int64]
Texts = NDArray[np.object_]  # of str
Apart = Callable[[Rows, Rows], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come: the last document's number, and how many up to it."""

    mark: int = 0
    seen: int = 0


class Segment:
    """Consecutive rows on disk, read as they are needed."""

    def __init__(self, folder: Path, forms: Texts | None = None):
        self.folder = folder
        self.at_hand = forms  # all of them, in the run that has appended them
        self.first, self.end = map(int, folder.name.split("-")[1:])

    @cached_property
    def ids(self) -> Rows:
        found: Rows = np.load(self.folder / "ids.npy")
        return found

    @cached_property
    def keys(self) -> Keys:
        """Each band's keys in order; the rows that they belong to are in `rows`."""
        found: Keys = np.load(self.folder / "keys.npy", mmap_mode="r")
        return found

    @cached_property
    def rows(self) -> NDArray[np.uint32]:
        found: NDArray[np.uint32] = np.load(self.folder / "rows.npy", mmap_mode="r")
        return found

    @cached_property
    def bits(self) -> Bits:
        found: Bits = np.load(self.folder / "bits.npy", mmap_mode="r")
        return found

    @cached_property
    def forms(self) -> memoryview:
        found: NDArray[np.uint8] = np.memmap(self.folder / "forms.bin", np.uint8, "r")
        return found.data

    @cached_property
    def ends(self) -> Rows:
        found: Rows = np.load(self.folder / "ends.npy")
        return found

    def texts(self, rows: Rows) -> Texts:
        """The normal forms of some of its rows, counted from its first."""
        if self.at_hand is not None:
            return self.at_hand[rows]
        distinct, places = np.unique(rows, return_inverse=True)
        return _as_texts([self._text(row) for row in distinct.tolist()])[places]

    def _text(self, row: int) -> str:
        start = int(self.ends[row - 1]) if row else 0
        return str(self.forms[start : int(self.ends[row])], "utf-8", "surrogatepass")

    def near(self, keys: Keys, band: int, threshold: float) -> tuple[Rows, Rows]:
        """Which of these keys of one band are in which rows, at most WINDOW rows each."""
        its = self.keys[band]
        lengths = (keys & np.uint64(LONGEST)).astype(np.float64)
        bucket = keys & ~np.uint64(LONGEST)
        shortest = np.ceil(lengths * threshold - 1e-9).astype(np.uint64)
        longest = np.minimum(lengths / threshold + 1e-9, LONGEST).astype(np.uint64)
        low = np.searchsorted(its, bucket | shortest, "left")
        high = np.searchsorted(its, bucket | longest, "right")
        asked = np.flatnonzero(high > low)
        low, high = low[asked], high[asked]
        crowded = np.flatnonzero(high - low > WINDOW)
        if len(crowded):
            middle = np.searchsorted(its, keys[asked[crowded]], "left") - WINDOW // 2
            low[crowded] = np.clip(middle, low[crowded], high[crowded] - WINDOW)
            high[crowded] = low[crowded] + WINDOW
        counts = high - low
        places = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return np.repeat(asked, counts), self.first + self.rows[band][places].astype(np.int64)


class NearIndex:
    """All segments of one project's index. Open it with `open_index`."""

    def __init__(self, folder: Path, similarity: Similarity, progress: Progress):
        self.folder, self.similarity, self.progress = folder, similarity, progress
        self.segments: list[Segment] = []

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.segments[-1].end if self.segments else 0

    def ids(self) -> Rows:
        """The document number of every row, rising."""
        return np.concatenate([np.empty(0, np.int64), *(one.ids for one in self.segments)])

    def forms(self, rows: Rows) -> list[str]:
        """The normal forms of rows, in any order."""
        found: Texts = np.empty(len(rows), object)
        for segment in self.segments:
            its = np.flatnonzero((segment.first <= rows) & (rows < segment.end))
            found[its] = segment.texts(rows[its] - segment.first)
        forms: list[str] = found.tolist()
        return forms

    def candidates(self, bands: Sequence[int], apart: Apart) -> tuple[Rows, Rows]:
        """Pairs of rows, newer and older, that share one of these bands and may be near copies.

        The newer ones are those of the segment that was appended last; `apart` says which pairs
        are worth a look.
        """
        newer, older = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        newest = self.segments[-1]
        for band in bands:
            keys = np.asarray(newest.keys[band])
            owners = newest.first + newest.rows[band].astype(np.int64)
            for segment in self.segments:
                asked, rows = segment.near(keys, band, self.similarity.threshold)
                new = owners[asked]
                wanted = (rows < new) & apart(new, rows)
                new, rows = new[wanted], rows[wanted]
                agreeing = _agreeing(
                    newest.bits[new - newest.first], segment.bits[rows - segment.first]
                )
                alike = agreeing >= self.similarity.agreeing
                newer.append(new[alike])
                older.append(rows[alike])
        return np.concatenate(newer), np.concatenate(older)

    def append(self, ids: Rows, sketches: Sketches) -> None:
        """Add the newest rows as a segment of their own; it does not count before `keep`."""
        order = np.argsort(sketches.keys, axis=1)  # (bands, texts)
        segment = self._begin(self.size, self.size + len(ids))
        encoded = [form.encode("utf-8", "surrogatepass") for form in sketches.forms]
        np.save(segment / "ids.npy", ids)
        np.save(segment / "ends.npy", np.cumsum([len(form) for form in encoded]))
        (segment / "forms.bin").write_bytes(b"".join(encoded))
        np.save(segment / "keys.npy", np.take_along_axis(sketches.keys, order, axis=1))
        np.save(segment / "rows.npy", order.astype(np.uint32))
        np.save(segment / "bits.npy", sketches.bits)
        self.segments.append(Segment(segment, _as_texts(sketches.forms)))

    def keep(self, progress: Progress) -> None:
        """Merge what is small, and let everything so far count."""
        old = []
        while len(self.segments) > 1 and self._is_small(*self.segments[-2:]):
            left, right = self.segments[-2:]
            self.segments[-2:] = [self._merge(left, right)]
            old += [left, right]
        for segment in self.segments:
            if self.segments[-1].end - segment.first > AT_HAND:
                segment.at_hand = None
        self.progress = progress
        self._write()
        for segment in old:
            shutil.rmtree(segment.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what an interrupted run has left behind; for whoever may write."""
        known = {segment.folder for segment in self.segments}
        for left_over in self.folder.glob("segment-*"):
            if left_over not in known:
                shutil.rmtree(left_over, ignore_errors=True)

    def clear(self) -> None:
        """Forget everything."""
        self.segments, self.progress = [], Progress()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _is_small(left: Segment, right: Segment) -> bool:
        return left.end - left.first <= 2 * (right.end - right.first)

    def _begin(self, first: int, end: int) -> Path:
        segment = self.folder / f"segment-{first}-{end}"
        shutil.rmtree(segment, ignore_errors=True)
        segment.mkdir(parents=True)
        return segment

    def _merge(self, left: Segment, right: Segment) -> Segment:
        folder = self._begin(left.first, right.end)
        np.save(folder / "ids.npy", np.concatenate([left.ids, right.ids]))
        np.save(folder / "bits.npy", np.concatenate([left.bits, right.bits]))
        shift = left.ends[-1] if len(left.ends) else 0
        np.save(folder / "ends.npy", np.concatenate([left.ends, right.ends + shift]))
        with (folder / "forms.bin").open("wb") as out:
            for segment in (left, right):
                with (segment.folder / "forms.bin").open("rb") as forms:
                    shutil.copyfileobj(forms, out)
        shape = (left.keys.shape[0], right.end - left.first)
        keys, rows = np.empty(shape, np.uint64), np.empty(shape, np.uint32)
        moved = np.uint32(right.first - left.first)
        for band in range(shape[0]):
            both = np.concatenate([left.keys[band], right.keys[band]])
            order = np.argsort(both, kind="stable")  # two sorted runs: linear
            keys[band] = both[order]
            rows[band] = np.concatenate([left.rows[band], right.rows[band] + moved])[order]
        np.save(folder / "keys.npy", keys)
        np.save(folder / "rows.npy", rows)
        if left.at_hand is None or right.at_hand is None:
            return Segment(folder)
        return Segment(folder, np.concatenate([left.at_hand, right.at_hand]))

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "similarity": asdict(self.similarity),
            "progress": asdict(self.progress),
            "segments": [segment.folder.name for segment in self.segments],
        }
        write_atomically(self.folder / "index.json", json.dumps(content).encode())


def _agreeing(left: Bits, right: Bits) -> NDArray[np.int64]:
    """How many hashes have the same last bits in each two rows."""
    planes = (left ^ right).swapaxes(0, 1)  # (bits, pairs, words)
    differ = planes[0]
    for plane in planes[1:]:  # an axis as short as this is slow to reduce
        differ = differ | plane
    count = np.zeros(len(differ), np.int64)
    for word in np.bitwise_count(differ).T:  # (words, pairs)
        count += word
    return HASHES - count


def _as_texts(texts: Sequence[str]) -> Texts:
    found: Texts = np.empty(len(texts), object)
    found[:] = texts
    return found


def open_index(folder: Path, similarity: Similarity) -> NearIndex:
    """The index of a folder; an empty one where there is none that was made for this similarity."""
    index = NearIndex(folder, similarity, Progress())
    try:
        content = json.loads((folder / "index.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return index
    if content.get("format") == FORMAT and content["similarity"] == asdict(similarity):
        segments = [Segment(folder / name) for name in content["segments"]]
        if all((segment.folder / "rows.npy").exists() for segment in segments):
            index.segments = segments
            index.progress = Progress(**content["progress"])
    return index
