"""What heads believe besides the best reading, against every reading there is."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ml_backend.contract.entity import Entity, first_overlap
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.head import Beliefs
from ml_backend.tagger.heads.scheduling import first_conflict
from ml_backend.tagger.model import HEADS
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import SchemeName
from ml_backend.tagger.sketch import Sketch

AB = LabelSet(("A", "B"))
LENGTHS = [4, 1, 3]
SIZE = 6
SPAN_HEADS: list[tuple[str, dict[str, Any]]] = [
    ("span", {"max_width": 3}),
    ("biaffine", {"max_width": 3, "positions": "relative"}),
    ("biaffine", {"max_width": 3, "positions": "rotary"}),
]


def head_of(name: str, seed: int = 0, scale: float = 2.0, **options: Any) -> Any:
    """A head with weights large enough that it believes something."""
    torch.manual_seed(seed)
    head = HEADS[name](AB, SIZE, **options).eval()
    for parameter in head.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=scale / 2)
    return head


def states_of(scale: float = 1.0) -> tuple[Tensor, Tensor]:
    return torch.randn(len(LENGTHS), max(LENGTHS), SIZE) * scale, torch.tensor(LENGTHS)


def beliefs_of(head: Any, states: Tensor, lengths: Tensor) -> Beliefs:
    (found,) = head.beliefs(states, lengths)
    return found


def readings(length: int, *, nested: bool = False, widest: int = 9) -> Iterator[list[Entity]]:
    """Every set of entities that a text of this length can hold."""
    every = [
        Entity(start, end, label)
        for start in range(length)
        for end in range(start + 1, min(length, start + widest) + 1)
        for label in AB
    ]
    for count in range(len(every) + 1):
        some = list(map(list, itertools.combinations(every, count)))
        fitting = [one for one in some if first_conflict(one, nested=nested) is None]
        if not fitting:
            return
        yield from fitting


def distribution(head: Any, states: Tensor, length: int) -> tuple[list[list[Entity]], Tensor]:
    """A chain's readings of one text, and their probabilities."""
    some = list(readings(length))
    emissions = head.emissions(states[:length].expand(len(some), -1, -1))
    sizes = torch.tensor([length] * len(some))
    return some, head.reading_log_probability(emissions, sizes, some).exp()


def entropy(chances: Tensor) -> float:
    return float(-torch.xlogy(chances, chances).sum())


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
@pytest.mark.parametrize("scale", [0.3, 3.0, 60.0])
@torch.no_grad()
def test_a_chain_believes_what_enumeration_says(scheme: SchemeName, scale: float) -> None:
    head = head_of("crf", scheme=scheme)
    states, lengths = states_of(scale)
    beliefs = beliefs_of(head, states, lengths)
    decoded = head.decode(states, lengths)
    assert beliefs.readings() == decoded
    best_two, begins, entropies = beliefs.log_best_two(), beliefs.begins(), beliefs.entropies()
    for row, length in enumerate(LENGTHS):
        some, chances = distribution(head, states[row], length)
        first, second = chances.topk(2).values.tolist()
        assert best_two[row, 0].exp().item() == pytest.approx(first, abs=1e-4)
        assert best_two[row, 1].exp().item() == pytest.approx(second, abs=1e-4)
        tags = torch.tensor([head.scheme.encode(one, length) for one in some])
        for place in range(length):
            marginal = torch.zeros(len(head.scheme.tags), dtype=torch.double)
            marginal.index_add_(0, tags[:, place], chances)
            assert entropies[row, place].item() == pytest.approx(entropy(marginal), abs=2e-3)
            for number, label in enumerate(AB):
                here = [any((e.start, e.label) == (place, label) for e in one) for one in some]
                expected = float(chances[torch.tensor(here)].sum())
                assert begins[row, place, number].item() == pytest.approx(expected, abs=1e-4)
        assert entropies[row, length:].tolist() == [0.0] * (max(LENGTHS) - length)
        assert begins[row, length:].sum() == 0


@pytest.mark.parametrize("scale", [1.0, 500.0])
def test_beliefs_are_the_same_in_inference_mode(scale: float) -> None:
    """As a tagger asks; scores of any size, so in log space too."""
    head = head_of("crf")
    states, lengths = states_of(scale)
    assert (head.crf.scores(head.emissions(states), lengths).factors is None) == (scale > 1)

    def said(beliefs: Beliefs) -> list[Tensor]:
        spans = beliefs.of_spans([(0, 1, 3), (1, 0, 1)])
        gradients = beliefs.gradients(torch.ones(len(LENGTHS), max(LENGTHS)), Sketch())
        return [beliefs.log_best_two(), beliefs.entropies(), beliefs.begins(), spans, gradients]

    with torch.no_grad():
        expected = said(beliefs_of(head, states, lengths))
    with torch.inference_mode():
        found = said(beliefs_of(head, states, lengths))
    for mine, other in zip(found, expected, strict=True):
        assert torch.allclose(mine, other)
        assert mine.isfinite().all()


@torch.no_grad()
def test_a_chain_knows_the_chances_of_any_span_and_of_gold_tags() -> None:
    head = head_of("crf", scheme="BIOES")
    states, lengths = states_of()
    beliefs = beliefs_of(head, states, lengths)
    spans = [(0, 1, 3), (2, 0, 3), (0, 0, 1)]
    gold = [[Entity(1, 3, "B")], [], [Entity(0, 1, "A"), Entity(1, 3, "B")]]
    missing = frozenset({"A"})
    said = beliefs.of_tags([Target(gold[0]), Target([], missing), Target(gold[2])])
    for (row, start, end), found in zip(spans, beliefs.of_spans(spans).tolist(), strict=True):
        some, chances = distribution(head, states[row], LENGTHS[row])
        for label, chance in zip(AB, found, strict=True):
            holds = torch.tensor([Entity(start, end, label) in one for one in some])
            assert chance == pytest.approx(float(chances[holds].sum()), abs=1e-5)
    for row, length in enumerate(LENGTHS):
        some, chances = distribution(head, states[row], length)
        tags = torch.tensor([head.scheme.encode(one, length) for one in some])
        own = head.scheme.encode(gold[row], length)
        for place in range(length):
            right = tags[:, place] == own[place]
            if row == 1:  # A was not annotated there
                right |= torch.tensor([head.scheme.tags[tag][1] == "A" for tag in tags[:, place]])
            expected = float(chances[right].sum())
            assert said[row, place].item() == pytest.approx(expected, abs=1e-5)


def test_what_is_unknown_is_not_doubted() -> None:
    gold = [Target([Entity(0, 1, "A")], unknown=[(1, 3)]), Target([]), Target([])]
    for name, options in [("crf", {}), SPAN_HEADS[0]]:
        beliefs = beliefs_of(head_of(name, **options), *states_of())
        assert beliefs.of_tags(gold)[0, 1:3].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["crf", "softmax", "bilstm-crf"])
def test_the_gradient_of_a_chain_is_that_of_its_surprise(name: str) -> None:
    head = head_of(name)
    states, lengths = states_of()
    sketch = Sketch(seed=3, size=16)
    everywhere = torch.ones(len(LENGTHS), max(LENGTHS))
    with torch.no_grad():
        found = beliefs_of(head, states, lengths).gradients(everywhere, sketch)
    chain = {"crf": lambda: head, "softmax": lambda: head.chain, "bilstm-crf": lambda: head.decide}
    layer = chain[name]()
    inner = head._in_context(states, lengths).detach() if name == "bilstm-crf" else states
    read = [Target(one.entities) for one in layer.decode(inner, lengths)]
    for row, length in enumerate(LENGTHS):
        layer.emit.weight.grad = None
        layer.emit.weight.requires_grad_()
        alone = inner[row : row + 1, :length], lengths[row : row + 1]
        layer.loss(*alone, layer.targets([read[row]], [length])).sum().backward()
        gradient = layer.emit.weight.grad  # (tags, size)
        outer = [torch.eye(len(gradient)), gradient]  # its rows, each times a unit vector
        expected = sketch.product(*outer).sum(0)
        assert torch.allclose(found[row], expected, atol=5e-3)


def test_only_counted_positions_are_in_a_gradient() -> None:
    for name, options in [("crf", {}), *SPAN_HEADS]:
        head = head_of(name, **options)
        states, lengths = states_of()
        half = (torch.arange(max(LENGTHS)) < 2).float().expand(len(LENGTHS), -1)
        sketch = Sketch()
        beliefs = beliefs_of(head, states, lengths)
        whole = beliefs.gradients(torch.ones_like(half), sketch)
        parts = beliefs.gradients(half, sketch) + beliefs.gradients(1 - half, sketch)
        assert torch.allclose(whole, parts, atol=1e-4)


def candidates(head: Any, states: Tensor, lengths: Tensor) -> list[dict[tuple[int, int], Tensor]]:
    """log P of each class of each candidate, by text."""
    chances = head.scores(states).log_softmax(3)
    return [
        {
            (start, start + width + 1): chances[row, start, width].double()
            for start in range(length)
            for width in range(chances.size(2))
            if start + width < length
        }
        for row, length in enumerate(lengths.tolist())
    ]


@pytest.mark.parametrize(("name", "options"), SPAN_HEADS)
@torch.no_grad()
def test_span_heads_believe_the_product_of_their_candidates(
    name: str, options: dict[str, Any]
) -> None:
    head = head_of(name, **options)
    states, lengths = states_of()
    beliefs = beliefs_of(head, states, lengths)
    assert beliefs.readings() == head.decode(states, lengths)
    begins, entropies = beliefs.begins(), beliefs.entropies()
    gold = [Target([Entity(0, 2, "B")]), Target([]), Target([], frozenset({"A"}))]
    said = beliefs.of_tags(gold)
    for row, chances in enumerate(candidates(head, states, lengths)):
        for (start, end), found in chances.items():
            (own,) = beliefs.of_spans([(row, start, end)])
            assert torch.allclose(own.double(), found[1:].exp(), atol=1e-5)
        for place in range(LENGTHS[row]):
            first = sum(c[1:].exp() for (s, _), c in chances.items() if s == place)
            assert torch.allclose(begins[row, place].double(), first, atol=1e-5)
            over = sum(c[1:].exp() for (s, e), c in chances.items() if s <= place < e)
            over = over / max(1.0, float(over.sum()))
            kinds = torch.cat([1 - over.sum(0, keepdim=True), over])
            assert entropies[row, place].item() == pytest.approx(entropy(kinds), abs=1e-4)
            of_gold = {0: kinds[2 if place < 2 else 0], 1: kinds[0], 2: kinds[0] + kinds[1]}[row]
            assert said[row, place].item() == pytest.approx(float(of_gold), abs=1e-5)
    assert beliefs.of_spans([(0, 0, 4)]).isnan().all()  # wider than any candidate


@pytest.mark.parametrize(("name", "options"), SPAN_HEADS)
@torch.no_grad()
def test_the_two_best_sets_of_spans_are_those_of_enumeration(
    name: str, options: dict[str, Any]
) -> None:
    for seed in range(3):
        head = head_of(name, seed, **options)
        states, lengths = states_of()
        found = beliefs_of(head, states, lengths).log_best_two()
        for row, chances in enumerate(candidates(head, states, lengths)):
            every = sorted(total(chances, one) for one in readings(LENGTHS[row], widest=3))
            assert found[row].tolist() == pytest.approx(every[:-3:-1], abs=1e-4)


@torch.no_grad()
def test_of_nested_sets_the_second_best_is_one_change_away() -> None:
    for seed in range(3):
        head = head_of("span", seed, max_width=3, nested=True)
        states, lengths = states_of()
        beliefs = beliefs_of(head, states, lengths)
        for row, chances in enumerate(candidates(head, states, lengths)[1:], 1):
            every = sorted(total(chances, r) for r in readings(LENGTHS[row], nested=True))
            best, second = beliefs.log_best_two()[row].tolist()
            assert best == pytest.approx(every[-1], abs=1e-4)
            assert second <= every[-2] + 1e-4
            assert any(second == pytest.approx(one, abs=1e-4) for one in every)


def total(chances: dict[tuple[int, int], Tensor], reading: list[Entity]) -> float:
    """log P of exactly these entities by the product of all candidates."""
    said = {(one.start, one.end): AB.labels.index(one.label) + 1 for one in reading}
    return math.fsum(float(chance[said.get(span, 0)]) for span, chance in chances.items())


@pytest.mark.parametrize(("name", "options"), SPAN_HEADS)
def test_the_gradient_of_a_span_head_is_that_of_its_likelihood(
    name: str, options: dict[str, Any]
) -> None:
    head = head_of(name, scale=0.6, **options)
    states, lengths = states_of()
    sketch = Sketch(seed=1, size=32)
    everywhere = torch.ones(len(LENGTHS), max(LENGTHS))
    with torch.no_grad():
        found = beliefs_of(head, states, lengths).gradients(everywhere, sketch)
    read = [Target(one.entities) for one in head.decode(states, lengths)]
    for row, length in enumerate(LENGTHS):
        head.zero_grad()
        alone = states[row : row + 1, :length], lengths[row : row + 1]
        head.loss(*alone, head.targets([read[row]], [length])).sum().backward()
        if name == "span":
            gradient = head.classify.weight.grad  # (classes, hidden)
            expected = sketch.product(torch.eye(len(gradient)), gradient).sum(0)
        else:  # the form's weights and biases: [s; 1] and [e; 1] of each class
            classes, hidden = head.spans.classes, head.hidden
            weight = head.form.weight.grad.view(classes, hidden + 1, hidden)
            bias = head.form.bias.grad.view(classes, hidden + 1, 1)
            gradient = torch.cat([weight, bias], dim=2)  # (classes, last, first)
            kind, last = torch.meshgrid(
                torch.arange(classes), torch.arange(hidden + 1), indexing="ij"
            )
            units = torch.eye(classes)[kind.flatten()], torch.eye(hidden + 1)[last.flatten()]
            expected = sketch.product(units[0], gradient.flatten(0, 1), units[1]).sum(0)
        assert torch.allclose(found[row], expected, atol=2e-2, rtol=1e-2)


def test_a_sketch_keeps_inner_products() -> None:
    torch.manual_seed(0)
    left, right = torch.randn(400, 5), torch.randn(400, 7)
    outer = (left.unsqueeze(2) * right.unsqueeze(1)).flatten(1)
    exact = outer @ outer.T
    small = Sketch(size=4096).product(left, right)
    assert small.shape == (400, 4096)
    error = (small @ small.T - exact).abs().mean() / exact.diagonal().mean()
    assert error < 0.03
    assert torch.equal(small, Sketch(size=4096).product(left, right))
    assert not torch.equal(small, Sketch(1, size=4096).product(left, right))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from(["BIO", "BIOES"]))
@torch.no_grad()
def test_no_reading_but_the_best_beats_the_second(seed: int, length: int, scheme: str) -> None:
    """A longer chain than can be enumerated: any one change of the best reading is no better."""
    head = head_of("crf", seed, scheme=scheme)
    states, lengths = torch.randn(1, length, SIZE), torch.tensor([length])
    beliefs = beliefs_of(head, states, lengths)
    best, second = beliefs.log_best_two()[0].tolist()
    (reading,) = beliefs.readings()
    others = [
        [*(one for one in reading.entities if not one.overlaps(new)), new]
        for start in range(length)
        for end in range(start + 1, length + 1)
        for label in AB
        if (new := Entity(start, end, label)) not in reading.entities
    ] + [[one for one in reading.entities if one != out] for out in reading.entities]
    assert all(first_overlap(sorted(other)) is None for other in others)
    emissions = head.emissions(states).expand(len(others), -1, -1)
    chances = head.reading_log_probability(emissions, lengths.expand(len(others)), others)
    assert best > second - 1e-6
    assert float(chances.max()) <= second + 1e-4
