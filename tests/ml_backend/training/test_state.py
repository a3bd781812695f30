"""A training that was interrupted goes on, and ends where it would have ended."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ml_backend.training import state
from ml_backend.training.fit import Fitted, Step, fit
from tests.ml_backend.training import vector_files
from tests.ml_backend.training.small import options, ten_sentences

CPU = torch.device("cpu")
STEPS = {"min_steps": 24, "epochs": 1, "looks": 4, "save_every": 5, "batch_documents": 4}


class Interrupted(Exception):
    pass


def run(folder: Path | None, *, until: int = 99, seed: int = 1, **changed: object) -> Fitted:
    def watch(step: Step) -> None:
        if step.step == until:
            raise Interrupted

    config = options(**STEPS, **changed)
    return fit(ten_sentences(), config, seed=seed, device=CPU, watch=watch, resume_in=folder)


def same(left: Fitted, right: Fitted) -> bool:
    one, other = left.model.state_dict(), right.model.state_dict()
    return (
        (left.dev, left.steps, left.epochs) == (right.dev, right.steps, right.epochs)
        and one.keys() == other.keys()
        and all(torch.equal(one[name], other[name]) for name in one)
    )


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"averaging": "swa", "schedule": "cosine"},
        {"averaging": "none", "accumulation": 2, "fgm": 0.5, "swap": 0.3},
        {"precision": "bf16", "head": "softmax"},
    ],
)
def test_a_resumed_training_ends_with_the_same_bits(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    whole = run(None, **changed)
    # twice: before the first look at dev, and within the last quarter
    for until, saved in ((4, 0), (8, 0), (22, 5)):
        with pytest.raises(Interrupted):
            run(tmp_path, until=until, **changed)
        assert (tmp_path / state.FILE).exists() == (until > 5), saved
    resumed = run(tmp_path, **changed)
    assert resumed.resumed == 20
    assert whole.resumed == 0
    assert same(resumed, whole)


def test_what_dev_said_before_the_interruption_counts_after_it(tmp_path: Path) -> None:
    seen: dict[bool, list[Step]] = {False: [], True: []}
    for again in (False, True):

        def watch(step: Step, steps: list[Step] = seen[again], again: bool = again) -> None:
            steps.append(step)
            if not again and step.step == 17:
                raise Interrupted

        try:
            fit(
                ten_sentences(),
                options(**STEPS),
                seed=1,
                device=CPU,
                watch=watch,
                resume_in=tmp_path,
            )
        except Interrupted:
            assert not again
    before, after = seen[False], seen[True]
    assert [step.step for step in after] == list(range(16, 25))
    assert before[15:17] == after[:2]


def test_a_state_of_other_gold_options_or_seed_is_not_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, until=11)
    assert run(tmp_path, seed=2).resumed == 0
    with pytest.raises(Interrupted):
        run(tmp_path, until=11)
    assert run(tmp_path, clip=1.0).resumed == 0
    gazetteer = tmp_path / "names.tsv"
    gazetteer.write_text("서울\t지역\n", "utf-8")
    with pytest.raises(Interrupted):
        run(tmp_path, until=11, gazetteer=str(gazetteer))
    gazetteer.write_text("서울\t지역\n부산\t지역\n", "utf-8")
    assert run(tmp_path, gazetteer=str(gazetteer)).resumed == 0
    vectors = vector_files.text(tmp_path / "words.vec", {"서울": [1.0, 2.0]})
    with pytest.raises(Interrupted):
        run(tmp_path, until=11, vectors=str(vectors))
    vector_files.text(vectors, {"서울": [2.0, 1.0]})
    assert run(tmp_path, vectors=str(vectors)).resumed == 0
    data, config = ten_sentences(), options()
    marks = {
        state.mark_of(gold, config, seed=1, together=1)
        for gold in (
            data,
            replace(data, train=data.train[1:]),
            replace(data, train=[replace(data.train[0], weight=0.5), *data.train[1:]]),
            replace(data, train=[replace(data.train[0], entities=[]), *data.train[1:]]),
            replace(data, dev=data.dev[1:]),
        )
    }
    assert len(marks) == 5


def test_a_damaged_state_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, until=11)
    path = tmp_path / state.FILE
    for content in (b"", path.read_bytes()[:1000], b"{" + path.read_bytes()[1:]):
        path.write_bytes(content)
        assert run(tmp_path).resumed == 0


def test_a_state_is_one_file_and_no_pickle(tmp_path: Path) -> None:
    run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [state.FILE]
    header = (tmp_path / state.FILE).read_bytes()[8:]
    assert header.startswith(b'{"__metadata__":{"record":')
