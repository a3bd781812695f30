"""Near copies among generated documents, against datasketch's MinHashLSH; called by documents.py.

Ours is what `goldloop duplicates find` does between reading and writing the database: normal
forms, sketches in as many processes as there are processors, an index on disk, and every
candidate verified. Theirs is 128 permutations over character 3-grams at a Jaccard threshold of
0.7, each text queried and inserted, nothing verified. Recall and precision are for pairs of near
copies in a sample, against the edit similarity of all its pairs: of the sample alone, and of all
documents. On a crowded machine the ratio of processor times tells what an idle one would: theirs
on one core to ours shared by all. Memory is the greatest that the process held, with its largest
child for each processor.
"""

import multiprocessing
import os
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from backend.loop.near import CHUNK
from backend.workflow.duplicates.near import NearGroups, compare
from backend.workflow.duplicates.near_index import Progress, open_index
from backend.workflow.duplicates.near_sketch import Similarity, digits
from backend.workflow.duplicates.near_workers import sketchers
from backend.workflow.duplicates.normal_form import normal_form

SIMILARITY = Similarity(0.85)
SAMPLE, SEED = 20_000, 1
PERMUTATIONS, GRAM, JACCARD = 128, 3, 0.7
BARS = {
    "near_ratio": (8.0, "times"),
    "near_recall": (0.95, "share"),
    "near_precision": (0.99, "share"),
    "near_memory": (2.5, "GB"),
}

Figure = dict[str, Any]


def near_figures(texts: Sequence[str]) -> Iterator[Figure]:
    """The figures for these documents."""
    distinct = list({normal_form(text): text for text in texts}.values())
    (groups, seconds, processor), memory = _alone(_timed_groups, distinct)
    (theirs, their_processor), _ = _alone(_datasketch_seconds, distinct)
    yield _figure("near_ratio", theirs / seconds, theirs / seconds >= 8)
    cores = len(os.sched_getaffinity(0))
    yield _figure("near_ratio_of_processor_time", their_processor / (processor / cores))
    yield _figure("near_memory", memory, memory <= 2.5)
    sample = sorted(random.Random(SEED).sample(range(len(distinct)), min(SAMPLE, len(distinct))))
    alone = near_groups_of([distinct[number] for number in sample])
    pairs = exhaustive_pairs([normal_form(distinct[number]) for number in sample])
    recall, precision = agreement(alone, pairs)
    yield _figure("near_recall", recall, recall >= 0.95)
    yield _figure("near_precision", precision, precision >= 0.99)
    together = {place: groups[number] for place, number in enumerate(sample) if number in groups}
    recall_in_all, _ = agreement(together, pairs)
    yield _figure("near_recall_in_all", recall_in_all, recall_in_all >= 0.95)
    yield _figure("near_seconds", seconds)
    yield _figure("near_datasketch_seconds", theirs)
    yield _figure("near_sample_pairs", float(len(pairs)))
    yield _figure("near_documents", float(len(groups)))


def near_groups_of(texts: Sequence[str]) -> dict[int, int]:
    """The near group of each text that is in one, both by their places."""
    near: dict[int, int] = {}
    with (
        TemporaryDirectory(prefix="goldloop-bench-near-") as folder,
        sketchers(SIMILARITY, len(texts)) as begin,
    ):
        index = open_index(Path(folder), SIMILARITY)
        starts = list(range(0, len(texts), CHUNK))
        waiting = [begin(texts[start : start + CHUNK]) for start in starts[:1]]
        for start in starts:
            sketching = waiting.pop()
            if start + CHUNK < len(texts):
                waiting.append(begin(texts[start + CHUNK : start + 2 * CHUNK]))
            sketches = sketching()
            near |= compare(index, start + 1 + sketches.places, sketches, near).near
            end = min(start + CHUNK, len(texts))
            index.keep(Progress(end, end))
    return {document - 1: group - 1 for document, group in near.items()}


def datasketch(texts: Sequence[str]) -> int:
    """What datasketch does with the same texts; how many have candidates."""
    lsh = MinHashLSH(threshold=JACCARD, num_perm=PERMUTATIONS)
    met = 0
    for number, text in enumerate(texts):
        sketch = MinHash(num_perm=PERMUTATIONS)
        grams = max(1, len(text) - GRAM + 1)
        sketch.update_batch([text[start : start + GRAM].encode() for start in range(grams)])
        met += bool(lsh.query(sketch))
        lsh.insert(number, sketch, check_duplication=False)
    return met


def exhaustive_pairs(forms: Sequence[str]) -> set[tuple[int, int]]:
    """All pairs of near copies, by place: equal digits, and at least the edit similarity."""
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in sorted(range(len(forms)), key=lambda number: len(forms[number])):
        alike[tuple(digits(forms[number]))].append(number)
    found: set[tuple[int, int]] = set()
    threshold = SIMILARITY.threshold
    for places in alike.values():
        lengths = [len(forms[place]) for place in places]
        for first in range(0, len(places), 500):
            some = places[first : first + 500]
            longest = len(forms[some[-1]]) / threshold + 1e-9
            others = places[first : int(np.searchsorted(lengths, longest, "right"))]
            scores = cdist(
                [forms[place] for place in some],
                [forms[place] for place in others],
                scorer=Levenshtein.normalized_similarity,
                score_cutoff=threshold,
                dtype=np.float32,
                workers=-1,
            )
            for row, column in np.argwhere(scores >= threshold - 1e-6).tolist():
                if row != column:
                    found.add((min(some[row], others[column]), max(some[row], others[column])))
    return found


def agreement(groups: dict[int, int], pairs: set[tuple[int, int]]) -> tuple[float, float]:
    """The share of the pairs that are in one group, and of grouped pairs that pairs connect."""
    found = sum(one in groups and groups[one] == groups.get(other) for one, other in pairs)
    places = sorted({*groups, *(place for pair in pairs for place in pair)})
    rows = {place: row for row, place in enumerate(places)}
    truth = NearGroups(np.arange(1, len(places) + 1), {})
    if pairs:
        left, right = np.array([[rows[one], rows[other]] for one, other in pairs]).T
        truth.unite(left, right)
    members: dict[int, list[int]] = defaultdict(list)
    for place, group in groups.items():
        members[group].append(int(truth.names[rows[place]]))
    joined = right_ones = 0
    for names in members.values():
        joined += len(names) * (len(names) - 1) // 2
        _, counts = np.unique(names, return_counts=True)
        right_ones += int((counts * (counts - 1) // 2).sum())
    return found / max(1, len(pairs)), right_ones / max(1, joined)


def _timed_groups(texts: Sequence[str]) -> tuple[dict[int, int], float, float]:
    """The groups, and the seconds and the processor time that they took."""
    began, processor = time.perf_counter(), _processor_time()
    groups = near_groups_of(texts)
    return groups, time.perf_counter() - began, _processor_time() - processor


def _datasketch_seconds(texts: Sequence[str]) -> tuple[float, float]:
    began, processor = time.perf_counter(), _processor_time()
    datasketch(texts)
    return time.perf_counter() - began, _processor_time() - processor


def _processor_time() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _alone(work: Any, texts: Sequence[str]) -> tuple[Any, float]:
    """The result of work in a process of its own, and the memory that it took in GB."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sending, work, texts))
    process.start()
    sending.close()
    result: tuple[Any, float] = receiving.recv()
    process.join()
    return result


def _report(sending: Any, work: Any, texts: Sequence[str]) -> None:
    # else each process that sketches would import all benchmarks, torch among them
    sys.modules["__main__"] = ModuleType("__main__")
    result = work(texts)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (os.cpu_count() or 1)
    sending.send((result, (own + children) * 1024 / 1e9))


def _figure(name: str, value: float, ok: bool = True) -> Figure:
    bar, unit = BARS.get(name, (None, "seconds" if name.endswith("seconds") else "count"))
    unit = {"near_recall_in_all": "share", "near_ratio_of_processor_time": "times"}.get(name, unit)
    return {"name": name, "value": round(value, 4), "bar": bar, "unit": unit, "ok": ok}
