import copy
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    RobertaConfig,
    RobertaModel,
)

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.fused import (
    FusedInt8,
    Make,
    MakeInt8,
    Observer,
    Separate,
    fused,
    separate,
)
from ml_backend.tagger.encoders.packed import PackedTransformer, packed
from ml_backend.tagger.forms import FORMS, Form, FormName, available, in_form
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.tagger.number_formats import (
    Bf16Linear,
    Bf16Recurrent,
    Int8Linear,
    LinearConvolution,
)
from ml_backend.tagger.predict import Tagger

CPU = torch.device("cpu")
TEXTS = ["정한울이 서울에서 웃었다.", "王小明", "a", "NFD 한글 🙂 x", "서울" * 40]
SIZES: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    labels = LabelSet(("PER", "LOC"))
    known = Knowledge.of(TEXTS, [[] for _ in TEXTS], labels, least_symbols=1, least_strings=1)
    encoder = BuiltinEncoder.of(known, hidden=24, layers=2)
    return Model(encoder, CrfHead(labels, encoder.size)).eval()


def transformer(kind: str) -> nn.Module:
    torch.manual_seed(0)
    if kind == "electra":
        return ElectraModel(ElectraConfig(**SIZES, embedding_size=16)).eval()
    if kind == "bert":
        return BertModel(BertConfig(**SIZES), add_pooling_layer=False).eval()
    return RobertaModel(RobertaConfig(**SIZES), add_pooling_layer=False).eval()


def ragged(rows: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random ids with rows of different lengths, 0 in the mask behind each."""
    lengths = torch.randint(1, width + 1, (rows, 1))
    lengths[0] = width
    mask = (torch.arange(width) < lengths).long()
    return torch.randint(5, 99, (rows, width)), mask


@pytest.mark.parametrize("make", [separate, fused])
@pytest.mark.parametrize("kind", ["electra", "bert", "roberta"])
def test_packed_computes_what_the_transformer_computes(
    kind: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_backend.tagger.encoders.packed._BLOCK", 30)
    whole = transformer(kind)
    without_padding = packed(whole, make)
    assert without_padding is not None
    ids, mask = ragged(7, 20)
    with torch.inference_mode():
        expected = whole(input_ids=ids, attention_mask=mask).last_hidden_state
        found = without_padding(ids, mask).last_hidden_state
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], atol=1e-5, rtol=1e-4)
    assert not found[~mask.bool()].any()


@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_a_row_reads_the_same_in_any_company(form: str) -> None:
    whole = transformer("bert")
    ids, mask = ragged(6, 18)
    make = fused if form == "fp32" else MakeInt8(bounds(whole, ids, mask), Int8Linear)
    without_padding = packed(whole, make)
    assert without_padding is not None
    with torch.inference_mode():
        together = without_padding(ids, mask).last_hidden_state[3]
        alone = without_padding(ids[3:4], mask[3:4]).last_hidden_state[0]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def bounds(whole: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> list[tuple[float, float]]:
    """What the layers of a transformer read in these rows."""
    observer = Observer()
    made = packed(whole, observer)
    assert made is not None
    made(ids, mask)
    return observer.bounds


def test_other_transformers_stay_as_they_are() -> None:
    sizes = {"dim": 32, "hidden_dim": 48, "n_layers": 1, "n_heads": 4, "vocab_size": 99}
    assert packed(DistilBertModel(DistilBertConfig(**sizes)).eval(), separate) is None
    other = transformer("bert")
    other.get_submodule("embeddings").register_forward_hook(lambda *found: found[2].cumsum(2))
    assert packed(other, separate) is None


def test_other_numbers_are_used_inside_the_transformer() -> None:
    whole = transformer("electra")
    ids, mask = ragged(5, 12)
    with torch.inference_mode():
        expected = whole(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]
        seen = bounds(whole, ids, mask)
        assert len(seen) == 1 + 4 * SIZES["num_hidden_layers"]
        makes: list[tuple[Make, float]] = [
            (lambda layer, *, then=None, into=None: Separate(Bf16Linear(layer), then), 0.05),
            (MakeInt8((), Int8Linear), 0.2),
            (MakeInt8(seen, Int8Linear), 0.1),
        ]
        for make, most in makes:
            made = packed(whole, make)
            assert isinstance(made, PackedTransformer)
            found = made(ids, mask).last_hidden_state[mask.bool()]
            assert 0 < (found - expected).abs().max() < most


@pytest.mark.parametrize(("kind", "most"), [(Bf16Linear, 0.02), (Int8Linear, 0.04)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_in_other_numbers_is_nearly_the_same(
    kind: type[nn.Module], most: float, bias: bool
) -> None:
    torch.manual_seed(0)
    layer, states = nn.Linear(64, 32, bias=bias), torch.randn(3, 7, 64)
    found, expected = kind(layer)(states), layer(states)
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < most


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("then", [None, nn.GELU(), nn.GELU("tanh"), nn.ReLU()])
def test_what_follows_a_fused_layer_is_what_follows_it_apart(then: Any, bias: bool) -> None:
    torch.manual_seed(0)
    layer, next_one = nn.Linear(64, 48, bias=bias), nn.Linear(48, 64)
    states = torch.randn(7, 64)
    with torch.inference_mode():
        up = separate(layer, then=then)(states)
        expected = separate(next_one)(up, states)
        found = fused(next_one)(fused(layer, then=then)(states), states)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        ends = [(float(x.min()), float(x.max())) for x in (up, states)]
        last = FusedInt8(next_one, ends[0])
        first = FusedInt8(layer, ends[1], then, last)
        assert (last(first(states), states.clone()) - expected).abs().max() < 0.08


def test_what_lies_beyond_the_bounds_is_taken_for_their_end() -> None:
    layer = FusedInt8(nn.Linear(16, 8), (-1.0, 2.0))
    states = torch.tensor([[3.0] * 16, [2.0] * 16, [-9.0] * 16, [-1.0] * 16])
    with torch.inference_mode():
        high, end, low, begin = layer(states)
    assert torch.equal(high, end)
    assert torch.equal(low, begin)


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_a_convolution_is_a_linear_layer_of_neighbours(padding: int) -> None:
    torch.manual_seed(0)
    layer, states = nn.Conv1d(6, 4, kernel_size=3, padding=padding), torch.randn(2, 6, 9)
    other = LinearConvolution.of(layer, linear=lambda linear: linear)
    assert isinstance(other, LinearConvolution)
    torch.testing.assert_close(other(states), layer(states))
    strided = nn.Conv1d(6, 4, kernel_size=3, stride=2)
    assert LinearConvolution.of(strided, linear=lambda linear: linear) is strided


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_layer_in_bf16_is_nearly_the_same(kind: type[nn.RNNBase]) -> None:
    torch.manual_seed(0)
    layer = kind(16, 8, batch_first=True, bidirectional=True).eval()
    states = torch.randn(3, 7, 16)
    with torch.inference_mode():
        found, _ = Bf16Recurrent(layer)(states)
        assert (found - layer(states)[0]).abs().max() < 0.02


@pytest.mark.parametrize("form", FORMS)
def test_a_form_predicts_from_a_copy(model: Model, form: FormName) -> None:
    before = copy.deepcopy(model.state_dict())
    expected = Tagger(model).predict(TEXTS)
    found = Tagger(model, CPU, form=Form(form)).predict(TEXTS)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.confidence == pytest.approx(theirs.confidence, rel=0.2, abs=1e-3)
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    if form.startswith("fp32"):  # compiled ones are of GPUs
        assert [p.confidence for p in found] == [p.confidence for p in expected]


def test_a_form_that_the_device_lacks_is_fp32(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_backend.tagger.forms.available", lambda model, device: ("fp32", "bf16"))
    kinds = {type(module) for module in in_form(model, Form("int8"), CPU).modules()}
    assert not kinds & {Int8Linear, Bf16Recurrent}


def test_fixed_bounds_on_a_processor_without_the_instructions_are_fp32(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_backend.tagger.forms.has_fused", lambda form: False)
    form = Form("int8", ((-1.0, 1.0),))
    kinds = {type(module) for module in in_form(model, form, CPU).modules()}
    assert not kinds & {Int8Linear, FusedInt8, Bf16Recurrent}


def test_the_first_form_is_fp32(model: Model) -> None:
    assert available(model, CPU)[0] == available(model, torch.device("cuda"))[0] == "fp32"
