import pytest
import torch

from ml_backend.tagger.predict import Tagger
from ml_backend.training.evaluate import evaluate
from ml_backend.training.fit import Step, fit
from tests.ml_backend.training.small import options, ten_sentences

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "changed",
    [
        {"scheme": "BIO"},
        {"head": "softmax", "precision": "bf16"},
        {"head": "bilstm-crf", "precision": "fp16"},
        {"head": "bigru-crf"},
        {"head": "span", "precision": "fp16"},
        {"head": "biaffine"},
    ],
)
def test_ten_sentences_are_learned_by_heart(changed: dict[str, object]) -> None:
    data = ten_sentences()
    config = options(
        **changed,
        min_steps=240,
        looks=6,
        patience=1,
        dropout=0.0,
        symbol_dropout=0.0,
        evidence_dropout=0.0,
    )
    fitted = fit(data, config, seed=0, device=CPU, watch=lambda step: None)
    assert fitted.dev.micro.f1 == 1.0
    assert evaluate(Tagger(fitted.model), data.dev).micro.f1 == 1.0


def weights(seed: int, **changed: object) -> dict[str, torch.Tensor]:
    config = options(min_steps=12, epochs=1, **changed)
    fitted = fit(ten_sentences(), config, seed=seed, device=CPU, watch=lambda step: None)
    return fitted.model.state_dict()


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(left[name], right[name]) for name in left)


def test_a_seed_gives_one_set_of_weights_whatever_was_drawn_before() -> None:
    first = weights(seed=1)
    torch.rand(17)
    assert same(first, weights(seed=1))
    assert not same(first, weights(seed=2))


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    weights(seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_steps_are_counted_within_their_bounds_and_watched() -> None:
    seen: list[Step] = []
    config = options(epochs=4, min_steps=1, batch_documents=4)
    fitted = fit(ten_sentences(), config, seed=0, device=CPU, watch=seen.append)
    assert [step.step for step in seen] == list(range(1, 13))
    assert seen[-1].steps == fitted.steps == 12
    assert seen[-1].epoch == fitted.epochs == 4.0
    assert seen[-1].dev_f1 == fitted.dev.micro.f1
    few = options(epochs=4, max_steps=3, min_steps=1)
    assert fit(ten_sentences(), few, seed=0, device=CPU, watch=seen.append).steps == 3


def test_training_stops_when_dev_has_long_been_no_better() -> None:
    config = options(min_steps=400, looks=40, patience=2)
    fitted = fit(ten_sentences(), config, seed=0, device=CPU, watch=lambda step: None)
    assert fitted.dev.micro.f1 > 0.9
    assert fitted.steps < 400
