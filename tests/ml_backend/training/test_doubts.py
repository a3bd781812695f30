"""Doubting gold: every document by a tagger that never saw it, errors less likely than the rest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import DOUBTS_JOB, DoubtsRequest, JobFolder, read_jsonl
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.training import doubts
from ml_backend.training.doubts import find_doubts
from ml_backend.training.fit import Fitted
from tests.ml_backend.conftest import TINY, sample_gold

LONG = "w" * 700 + " "


def gold_with_errors() -> tuple[list[GoldDocument], set[str]]:
    """Generated gold with copies, a long text, one of partial gold, and a tenth with an error."""
    gold = [one for one in sample_gold(160) if one.entities]
    labels = sorted({entity.label for one in gold for entity in one.entities})
    wrong = set()
    for place in range(0, len(gold), 10):
        one = gold[place]
        first, rest = one.entities[0], one.entities[1:]
        other = labels[(labels.index(first.label) + 1) % len(labels)]
        gold[place] = replace(one, entities=[Entity(first.start, first.end, other), *rest])
        wrong.add(one.id)
    moved = [Entity(e.start + len(LONG), e.end + len(LONG), e.label) for e in gold[1].entities]
    gold[1] = replace(gold[1], text=LONG + gold[1].text, entities=moved)
    gold[2] = replace(gold[2], entities=[], missing=frozenset({gold[2].entities[0].label}))
    gold[3] = replace(gold[3], text="", entities=[])
    gold += [replace(one, id=f"{one.id}-copy") for one in gold[10:14]]
    return sorted(gold, key=lambda one: one.id), wrong


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    job = JobFolder(tmp_path / "job")
    job.path.mkdir()
    gold, _ = gold_with_errors()
    labels = LabelSet(tuple(sorted({e.label for one in gold for e in one.entities})))
    parts = {"train": gold[:100], "dev": gold[100:120], "gate": gold[120:]}
    write_snapshot(job.snapshot, parts, labels)
    job.write_request(DoubtsRequest("tiny", folds=2, config=TINY))
    return job


def test_the_job_is_found_under_its_dotted_name() -> None:
    assert f"{find_doubts.__module__}.{find_doubts.__qualname__}" == DOUBTS_JOB


def test_every_document_is_doubted_by_who_never_saw_it(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[str]] = []
    fit = doubts.fit

    def noted(data: Any, *args: Any, **how: Any) -> Fitted:
        learned.append({one.document for one in data.train} | {one.id for one in data.dev})
        return fit(data, *args, **how)

    monkeypatch.setattr(doubts, "fit", noted)
    find_doubts(str(job.path))
    gold, wrong = gold_with_errors()
    lines = list(read_jsonl(job.doubts))
    result = job.result()
    assert result is not None
    assert result.state == "done", result.reason
    assert [line["id"] for line in lines] == [one.id for one in gold]
    for line, one in zip(lines, gold, strict=True):
        assert line["id"] not in learned[line["fold"]]
        assert [(e["start"], e["end"], e["label"]) for e in line["gold"]] == [
            e.key for e in one.entities
        ]
        assert len(line["tags"]) == len(one.text)
        assert all(0 <= chance <= 1 for chance in [*line["tags"], line["confidence"]])
        for said in [*line["gold"], *line["entities"]]:
            assert 0 <= said["probability"] <= 1
            assert said["label"] not in said["others"]
            assert said["probability"] + sum(said["others"].values()) <= 1 + 1e-3
        assert not {e["label"] for e in line["entities"]} & one.missing
    folds = {line["id"]: line["fold"] for line in lines}
    assert all(
        folds[one.id] == folds[f"{one.id}-copy"] for one in gold if f"{one.id}-copy" in folds
    )
    # a wrong label is less likely to a tagger that learned from the others than a right one
    of_wrong = [line["gold"][0]["probability"] for line in lines if line["id"] in wrong]
    of_right = [e["probability"] for n in lines if n["id"] not in wrong for e in n["gold"]]
    assert sum(of_wrong) / len(of_wrong) < 0.5 * sum(of_right) / len(of_right)
    figures = result.figures
    assert (figures["documents"], figures["folds"]) == (len(gold), 2)
    assert len(figures["f1"]) == 2
    assert sorted(path.name for path in job.path.iterdir()) == [
        "doubts.jsonl",
        "progress.json",
        "request.json",
        "result.json",
        "snapshot",
    ]


def test_a_job_that_was_killed_goes_on_with_the_next_fold(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, calls = doubts.fit, 0

    def dies(*args: Any, **how: Any) -> Fitted:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return fit(*args, **how)

    monkeypatch.setattr(doubts, "fit", dies)
    with pytest.raises(KeyboardInterrupt):
        find_doubts(str(job.path))
    assert job.result() is None
    find_doubts(str(job.path))
    assert calls == 3
    assert len(list(read_jsonl(job.doubts))) == len(gold_with_errors()[0])


def test_a_cancelled_job_says_so(job: JobFolder) -> None:
    job.ask_to_cancel()
    find_doubts(str(job.path))
    result = job.result()
    assert result is not None
    assert result.state == "cancelled"
    assert not job.doubts.exists()


def test_gold_that_nothing_can_be_learned_from_fails_with_a_reason(job: JobFolder) -> None:
    write_snapshot(job.snapshot, {"train": [GoldDocument("1", "1", "x", [])]}, LabelSet(("A",)))
    with pytest.raises(Exception, match="no text to train on"):
        find_doubts(str(job.path))
    result = job.result()
    assert result is not None
    assert "no text to train on" in result.reason


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="2 folds or more"):
        DoubtsRequest("tiny", folds=1)
