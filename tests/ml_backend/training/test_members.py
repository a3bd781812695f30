"""Members that vote: from seeds of their own, or on gold without one even part each; once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import read_jsonl
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint
from ml_backend.training.dataset import (
    Example,
    TrainingData,
    TrainingDataError,
    from_documents,
)
from ml_backend.training.fit import Step
from ml_backend.training.members import OUT_OF_FOLD, make_members, parts_of
from ml_backend.training.network import new_model
from ml_backend.training.version import make_version
from tests.ml_backend.conftest import TINY, sample_gold

groups = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=40)


@given(groups, st.integers(2, 5), st.integers(0, 3))
def test_every_example_is_in_one_part_and_duplicates_are_together(names, folds, seed) -> None:
    examples = [Example("x", [], group=name) for name in names]
    parts = parts_of(examples, folds, seed=seed)
    assert parts == parts_of(examples, folds, seed=seed)
    assert set(parts) <= set(range(folds))
    for name in set(names) - {""}:
        assert len({part for part, own in zip(parts, names, strict=True) if own == name}) == 1
    # no part is larger than another by more than one group
    sizes = Counter(parts)
    largest = max([1, *Counter(filter(None, names)).values()])
    assert max(sizes.values()) - min(sizes[part] for part in range(folds)) <= largest


def test_guesses_are_in_no_part_and_seeds_differ() -> None:
    examples = [Example("x", [], weight=0.3), *(Example("x", [], group=str(n)) for n in range(20))]
    parts = [parts_of(examples, 2, seed=seed) for seed in range(4)]
    assert {part[0] for part in parts} == {None}
    assert len({tuple(part) for part in parts}) > 1


class Maker:
    """Makes members without training, and remembers what for."""

    def __init__(self) -> None:
        self.seen: list[TrainingData] = []
        self.seeds: list[int] = []

    def __call__(self, data: TrainingData, config: TrainingConfig, **how: Any) -> dict[str, Any]:
        self.seen.append(data)
        self.seeds.append(how["seed"])
        assert (config.folds, config.members, config.calibration) == (0, 1, "none")
        how["watch"](Step(5, 10, 1.0, 0.5, 0.1))
        record = {**how["about"], "steps": 10}
        checkpoint.save(new_model(data, config), how["folder"], training=record)
        return record


def make(
    folder: Path,
    maker: Maker,
    told: list[Step],
    resume_in: Path | None = None,
    **options: int,
) -> Any:
    gold = sample_gold(40)
    labels = LabelSet(tuple(sorted({e.label for d in gold for e in d.entities})))
    data = from_documents(gold[:30], gold[10:], labels)
    config = TrainingConfig.from_dict({**TINY, **(options or {"folds": 3})})
    made = make_members(
        maker,
        data,
        config,
        seed=1,
        folder=folder,
        watch=told.append,
        resume_in=resume_in,
        start_from=None,
    )
    return data, made


def test_each_member_learns_all_but_its_part_and_tells_of_it(tmp_path: Path) -> None:
    maker, told = Maker(), []
    data, made = make(tmp_path, maker, told)
    assert len(made) == len(maker.seen) == 3
    left_out = [set(map(id, data.train)) - set(map(id, seen.train)) for seen in maker.seen]
    assert sum(map(len, left_out)) == len(data.train)
    assert set.union(*left_out) == set(map(id, data.train))
    assert all(seen.dev is data.dev for seen in maker.seen)
    assert [(step.step, step.steps) for step in told] == [(n, 30) for n in range(5, 35, 5)]
    lines = list(read_jsonl(tmp_path / OUT_OF_FOLD))
    assert {(line["id"], line["start"]) for line in lines} == {
        (one.document, one.start) for one in data.train
    }
    by_id = {(one.document, one.start): one for one in data.train}
    for line in lines:
        one = by_id[line["id"], line["start"]]
        assert line["text"] == one.text
        assert line["gold"] == [entity.to_dict() for entity in one.entities]
        assert all(0 <= entity["probability"] <= 1 for entity in line["entities"])
        assert 0 <= line["confidence"] <= 1


def test_members_of_all_gold_have_seeds_of_their_own(tmp_path: Path) -> None:
    maker, told = Maker(), []
    data, made = make(tmp_path, maker, told, members=3)
    assert len(made) == 3
    assert all(seen is data for seen in maker.seen)
    assert len(set(maker.seeds)) == 3
    assert maker.seeds[0] == 1, "the first is what one alone would be"
    assert [(step.step, step.steps) for step in told] == [(n, 30) for n in range(5, 35, 5)]
    assert [path.name for path in tmp_path.iterdir()] == ["members"]


def test_members_without_anything_to_learn_are_refused_before_any_is_trained(
    tmp_path: Path,
) -> None:
    maker, (one, two) = Maker(), sample_gold(2)
    labels = LabelSet(tuple(sorted({e.label for e in (*one.entities, *two.entities)})))
    data = from_documents([one], [two], labels)
    with pytest.raises(TrainingDataError, match="too little gold for folds"):
        make_members(
            maker,
            data,
            TrainingConfig.from_dict({**TINY, "folds": 2}),
            seed=1,
            folder=tmp_path,
            watch=print,
            resume_in=None,
            start_from=None,
        )
    assert not maker.seen


def test_members_that_are_whole_are_not_trained_again(tmp_path: Path) -> None:
    class Killed(Maker):
        def __call__(self, data: TrainingData, config: TrainingConfig, **how: Any) -> Any:
            if len(self.seen) == 2:
                raise KeyboardInterrupt
            return super().__call__(data, config, **how)

    out, state = tmp_path / "out", tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        make(out, Killed(), [], state)
    maker = Maker()
    _, made = make(out, maker, [], state)
    assert len(maker.seen) == 1
    assert len(made) == 3
    assert sorted(path.name for path in out.iterdir()) == ["members", OUT_OF_FOLD]


def test_side_by_side_members_become_what_they_are_one_after_the_other(tmp_path: Path) -> None:
    gold = sample_gold(40)
    labels = LabelSet(tuple(sorted({e.label for d in gold for e in d.entities})))
    data = from_documents(gold[:30], gold[30:], labels)
    made = {
        processes: make_members(
            make_version,
            data,
            TrainingConfig.from_dict({**TINY, "folds": 3}),
            seed=1,
            folder=tmp_path / str(processes),
            watch=lambda _: None,
            resume_in=None,
            start_from=None,
            processes=processes,
        )
        for processes in (1, 2)
    }
    assert [one["dev"] for one in made[1]] == [one["dev"] for one in made[2]]
    files = [_files(tmp_path / str(processes)) for processes in (1, 2)]
    assert files[0] == files[1]
    assert OUT_OF_FOLD in files[0]
    assert sum(name.endswith("weights.safetensors") for name in files[0]) == 3


def _files(folder: Path) -> dict[str, bytes]:
    """All but what says how long something took."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "config.json"
    }
