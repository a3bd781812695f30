"""Members of one model: trained apart, exact together, and gone on with after a kill."""

from pathlib import Path

import pytest
import torch

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import checkpoint
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.together import apart, together
from ml_backend.training.config import TrainingConfig, TrainingConfigError
from ml_backend.training.dataset import TrainingData, from_documents
from ml_backend.training.fit import Step, fit
from ml_backend.training.members import fit_members
from ml_backend.training.version import make_version
from tests.ml_backend.conftest import TINY, sample_gold

CPU = torch.device("cpu")


def small_data() -> TrainingData:
    gold = sample_gold(40)
    labels = LabelSet(tuple(sorted({e.label for d in gold for e in d.entities})))
    return from_documents(gold[:30], gold[10:], labels)


def config(**given: object) -> TrainingConfig:
    return TrainingConfig.from_dict({**TINY, "members": 2, **given})


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_the_scores_together_are_the_mean_of_the_members(head: str) -> None:
    data, options = small_data(), config(head=head, members=1)
    members = [
        fit(data, options, seed=seed, device=CPU, watch=lambda _: None).model for seed in (1, 2)
    ]
    model = together(members)
    texts = [document.text for document in data.dev][:8]
    batch = model.encoder.reader().read(texts)
    with torch.no_grad():
        each = [_head(one).emissions(one.encoder(batch)) for one in members]
        both = _head(model).emissions(model.encoder(batch))
    assert torch.allclose(both, (each[0] + each[1]) / 2, atol=1e-5)
    mean = (_head(members[0]).crf.transitions + _head(members[1]).crf.transitions) / 2
    assert torch.allclose(_head(model).crf.transitions, mean)

    for one, member in zip(members, apart(model), strict=True):
        again = _head(member).emissions(member.encoder(batch))
        own = _head(one).emissions(one.encoder(batch))
        shift = _head(member).emit.bias - _head(one).emit.bias
        assert torch.allclose(again, own + shift, atol=1e-4)


def test_members_train_in_processes_of_their_own_and_go_on_after_a_kill(tmp_path: Path) -> None:
    data, told = small_data(), []
    fitted = fit_members(
        data, config(), seed=3, device=CPU, watch=told.append, resume_in=tmp_path / "state"
    )
    assert told[-1].steps == 2 * fitted.steps
    alone = fit(data, config(members=1), seed=3, device=CPU, watch=lambda _: None).model
    first = apart(fitted.model)[0].encoder.state_dict()
    for name, weights in alone.encoder.state_dict().items():
        assert torch.equal(weights, first[name]), name

    def never(step: Step) -> None:
        raise AssertionError(step)

    again = fit_members(
        data, config(), seed=3, device=CPU, watch=never, resume_in=tmp_path / "state"
    )
    for name, weights in fitted.model.state_dict().items():
        assert torch.equal(weights, again.model.state_dict()[name]), name


def test_whoever_watches_may_stop_all_members() -> None:
    class EnoughError(Exception):
        pass

    def watch(step: Step) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        fit_members(small_data(), config(max_steps=100000), seed=1, device=CPU, watch=watch)


def test_a_version_of_members_is_saved_and_loads_to_the_same_readings(tmp_path: Path) -> None:
    data = small_data()
    made = make_version(
        data, config(), seed=1, folder=tmp_path / "v1", about={}, watch=lambda _: None
    )
    assert made["config"]["members"] == 2
    texts = [document.text for document in data.dev]
    one, other = (Tagger.load(tmp_path / "v1").predict(texts) for _ in range(2))
    assert one == other
    assert checkpoint.load(tmp_path / "v1").to_dict()["encoder"]["name"] == "several"

    # another training goes on from the first member
    on = make_version(
        data,
        config(members=1, start="champion"),
        seed=1,
        folder=tmp_path / "v2",
        about={},
        watch=lambda _: None,
        start_from=tmp_path / "v1",
    )
    assert "encoder and head" in on["start"]


def test_what_members_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"head": "span"}, {"encoder": "folder"}):
        with pytest.raises(TrainingConfigError, match="members need the built-in encoder"):
            config(**wrong)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingConfigError, match="torchrun"):
        fit_members(small_data(), config(), seed=1, device=CPU, watch=lambda _: None)


def _head(model: object) -> CrfHead:
    head = model.head  # type: ignore[attr-defined]
    return head if isinstance(head, CrfHead) else head.chain
