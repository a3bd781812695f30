"""Span heads: targets, scores, and decoding against every set of spans there is."""

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads import spans as spans_module
from ml_backend.tagger.heads.biaffine import BiaffineHead
from ml_backend.tagger.heads.losses import UNCOUNTED
from ml_backend.tagger.heads.span import SpanHead
from ml_backend.tagger.heads.spans import NONE, Spans
from ml_backend.tagger.positions import Target

AB = LabelSet(("A", "B"))
HEADS = [
    pytest.param(SpanHead, {}, id="span"),
    pytest.param(BiaffineHead, {"positions": "none"}, id="biaffine"),
    pytest.param(BiaffineHead, {"positions": "rotary"}, id="biaffine-rotary"),
    pytest.param(BiaffineHead, {"positions": "relative"}, id="biaffine-relative"),
]


def spans_of(max_width: int = 3, *, nested: bool = False, **loss: Any) -> Spans:
    return Spans(AB, max_width=max_width, nested=nested, loss=loss)


def grid(spans: Spans, gold: list[Target], lengths: list[int]) -> Tensor:
    """The classes as (batch, positions, widths)."""
    widths = min(spans.max_width, max(lengths))
    return spans.targets(gold, lengths).classes.view(len(gold), max(lengths), widths)


def test_targets_are_the_class_of_each_candidate() -> None:
    classes = grid(spans_of(), [Target([Entity(0, 2, "B"), Entity(2, 3, "A")]), Target([])], [4, 2])
    X = UNCOUNTED  # reaches beyond the text
    assert classes.tolist() == [
        [[0, 2, 0], [0, 0, 0], [1, 0, X], [0, X, X]],
        [[0, 0, X], [0, X, X], [X, X, X], [X, X, X]],
    ]


def test_what_touches_an_unknown_range_is_not_counted_unless_it_is_gold() -> None:
    target = Target([Entity(2, 4, "A")], unknown=[(2, 3)])
    X = UNCOUNTED
    assert grid(spans_of(), [target], [4]).tolist() == [
        [[0, 0, X], [0, X, X], [X, 1, X], [0, X, X]],
    ]


def test_an_entity_wider_than_the_grid_is_no_candidate() -> None:
    assert not (grid(spans_of(2), [Target([Entity(0, 3, "A")])], [3]) > NONE).any()


def test_labels_that_were_not_annotated_may_be_hidden() -> None:
    gold = [Target([], missing=frozenset({"B", "elsewhere"})), Target([])]
    hidden = spans_of().targets(gold, [3, 3]).hidden
    assert hidden is not None
    assert hidden.tolist() == [[False, False, True], [False, False, False]]


@pytest.mark.parametrize(
    ("entities", "nested", "match"),
    [
        ([Entity(0, 3, "A"), Entity(1, 2, "B")], False, "cannot both be"),
        ([Entity(0, 2, "A"), Entity(1, 3, "B")], True, "cannot both be"),
        ([Entity(0, 2, "A"), Entity(0, 2, "B")], True, "cannot both be"),
        ([Entity(2, 5, "A")], False, "no entity of 4 positions"),
        ([Entity(0, 2, "C")], True, "no entity of 4 positions and this set"),
    ],
)
def test_gold_that_is_no_set_of_spans_is_refused(
    entities: list[Entity], nested: bool, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        spans_of(nested=nested).targets([Target(entities)], [4])


def clash(left: Entity, right: Entity, nested: bool) -> bool:
    if not nested:
        return left.overlaps(right)
    left, right = sorted([left, right])
    return left.start < right.start < left.end < right.end or (
        (left.start, left.end) == (right.start, right.end)
    )


def every_set(p: Tensor, length: int, nested: bool) -> dict[frozenset[Entity], float]:
    """The probability of each allowed set of spans of one text, by enumeration."""
    candidates = [
        (Entity(start, start + width + 1, label), p[start, width])
        for start, width in itertools.product(range(p.size(0)), range(p.size(1)))
        if start + width + 1 <= length
        for label in AB
    ]
    result = {}
    for size in range(6):
        for chosen in itertools.combinations(candidates, size):
            entities = [entity for entity, _ in chosen]
            if any(clash(a, b, nested) for a, b in itertools.combinations(entities, 2)):
                continue
            taken = {(entity.start, entity.end) for entity in entities}
            log_p = sum(math.log(row[AB.labels.index(e.label) + 1]) for e, row in chosen)
            log_p += sum(
                math.log(row[NONE])
                for entity, row in candidates[:: len(AB)]
                if (entity.start, entity.end) not in taken
            )
            result[frozenset(entities)] = math.exp(log_p)
    return result


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_no_set_of_spans_is_more_probable_than_the_one_decoded(nested: bool, seed: int) -> None:
    torch.manual_seed(seed)
    spans = spans_of(max_width=3, nested=nested)
    lengths = torch.tensor([3, 1, 2])
    scores = torch.randn(3, 3, spans.max_width, spans.classes) * 2
    readings = spans.decode(lambda states: scores, torch.zeros(3, 3, 1), lengths)
    for row, decoded in enumerate(readings):
        p = scores[row].double().softmax(2)
        sets = every_set(p, int(lengths[row]), nested)
        best = max(sets, key=sets.__getitem__)
        assert decoded.entities == sorted(best)
        assert decoded.confidence == pytest.approx(sets[best], rel=1e-5)
        assert decoded.nothing == pytest.approx(sets[frozenset()], rel=1e-5)
        for entity in decoded.entities:
            number = AB.labels.index(entity.label) + 1
            expected = p[entity.start, entity.end - entity.start - 1, number].item()
            assert entity.probability == pytest.approx(expected, rel=1e-5)


@st.composite
def nested_gold(draw: st.DrawFn) -> tuple[int, list[Entity]]:
    """A length and entities that lie apart or within one another."""
    length = draw(st.integers(1, 12))
    spans = draw(
        st.sets(
            st.tuples(st.integers(0, length - 1), st.integers(1, length)).filter(
                lambda span: span[0] < span[1]
            ),
            max_size=8,
        )
    )
    entities: list[Entity] = []
    for start, end in sorted(spans):
        entity = Entity(start, end, draw(st.sampled_from(AB.labels)))
        if not any(clash(entity, other, nested=True) for other in entities):
            entities.append(entity)
    return length, entities


def certain(spans: Spans, gold: list[Target], lengths: list[int]) -> Tensor:
    """Scores under which the gold is all but certain."""
    classes = grid(spans, gold, lengths).clamp(min=0)
    return nn.functional.one_hot(classes, spans.classes) * 30.0


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(st.lists(nested_gold(), min_size=1, max_size=3))
def test_nested_gold_comes_back(documents: list[tuple[int, list[Entity]]]) -> None:
    spans = spans_of(max_width=12, nested=True)
    lengths = [length for length, _ in documents]
    gold = [Target(entities) for _, entities in documents]
    scores = certain(spans, gold, lengths)
    states = torch.zeros(*scores.shape[:2], 1)
    readings = spans.decode(lambda _: scores, states, torch.tensor(lengths))
    assert [reading.entities for reading in readings] == [list(t.entities) for t in gold]
    assert all(reading.confidence > 0.99 for reading in readings)
    assert spans.loss(scores, spans.targets(gold, lengths)).max() < 1e-4


def test_texts_are_decoded_in_parts_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = spans_of()
    torch.manual_seed(0)
    states, lengths = torch.randn(5, 4, 6), torch.tensor([4, 2, 3, 1, 4])
    layer = nn.Linear(6, 3 * spans.classes)
    sizes = []

    def score(some: Tensor) -> Tensor:
        sizes.append(len(some))
        return layer(some).view(len(some), 4, 3, spans.classes)

    whole = spans.decode(score, states, lengths)
    monkeypatch.setattr(spans_module, "_CHUNK", 2 * 4 * 3 * spans.classes)
    assert spans.decode(score, states, lengths) == whole
    assert sizes == [5, 2, 2, 1]


def plain_span_score(head: SpanHead, first: Tensor, last: Tensor, width: int) -> Tensor:
    """One layer over the two ends and the width put side by side."""
    weight = torch.cat([head.start.weight, head.end.weight, torch.eye(head.hidden)], dim=1)
    joined = torch.cat([first, last, head.width.weight[width]])
    layer = nn.functional.gelu(weight @ joined + head.start.bias + head.end.bias)
    return head.classify(layer)


def plain_biaffine_score(head: BiaffineHead, first: Tensor, last: Tensor, width: int) -> Tensor:
    """[s; 1] U [e; 1] class by class, positions as their papers have them."""
    start, end = nn.functional.gelu(head.start(first)), nn.functional.gelu(head.end(last))
    form = torch.cat([head.form.weight, head.form.bias.unsqueeze(1)], dim=1)
    form = form.view(head.spans.classes, head.hidden + 1, head.hidden + 1)
    left = torch.cat([start, torch.ones(1)])
    if head.positions == "relative":
        end = end + head.width.weight[width]
    if head.positions == "rotary":
        half = head.hidden // 2
        turned = torch.view_as_complex(torch.stack([end[:half], end[half:]], dim=1))
        angles = width * 10000.0 ** (-2 * torch.arange(half) / head.hidden)
        turned = turned * torch.polar(torch.ones(half), angles)
        end = torch.cat([turned.real, turned.imag])
    right = torch.cat([end, torch.ones(1)])
    return torch.stack([right @ matrix @ left for matrix in form])


@torch.no_grad()
@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_scores_are_those_of_the_plain_formula(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    head = kind(AB, 6, max_width=3, hidden=8, **options).eval()
    states = torch.randn(2, 5, 6)
    scores = head.scores(states)
    assert scores.shape == (2, 5, 3, 3)
    plain = plain_span_score if kind is SpanHead else plain_biaffine_score
    for row, start, width in itertools.product(range(2), range(5), range(3)):
        if start + width < 5:
            expected = plain(head, states[row, start], states[row, start + width], width)
            assert torch.allclose(scores[row, start, width], expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_chunks_change_neither_loss_nor_gradient(
    kind: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    head = kind(AB, 6, max_width=3, hidden=8, **options).eval()
    states, lengths = torch.randn(2, 5, 6, requires_grad=True), torch.tensor([5, 3])
    targets = head.targets([Target([Entity(1, 3, "A")]), Target([Entity(0, 1, "B")])], [5, 3])

    def gradients() -> list[Tensor]:
        loss = head.loss(states, lengths, targets)
        return [loss, *torch.autograd.grad(loss.sum(), [states, *head.parameters()])]

    whole = gradients()
    monkeypatch.setattr(spans_module, "_CHUNK", 1)
    for left, right in zip(gradients(), whole, strict=True):
        assert torch.allclose(left, right, atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_padding_changes_nothing(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    head = kind(AB, 6, max_width=4, hidden=8, **options).eval()
    for parameter in head.parameters():
        nn.init.normal_(parameter)
    states, lengths = torch.randn(2, 7, 6), torch.tensor([7, 3])
    gold = [Target([]), Target([Entity(1, 3, "B")])]
    together = head.loss(states, lengths, head.targets(gold, [7, 3]))[1]
    alone = head.loss(states[1:, :3], lengths[1:], head.targets(gold[1:], [3]))[0]
    assert torch.allclose(together, alone, rtol=1e-4)
    decoded = head.decode(states, lengths)[1]
    single = head.decode(states[1:, :3], lengths[1:])[0]
    assert decoded.entities == single.entities
    assert decoded.confidence == pytest.approx(single.confidence, rel=1e-4)


@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_an_untrained_head_finds_nothing(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    head = kind(AB, 6, max_width=4, **options)
    states = torch.randn(2, 7, 6)
    assert not any(reading.entities for reading in head.decode(states, torch.tensor([7, 5])))


@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_a_head_is_described_by_its_record(kind: Any, options: dict[str, Any]) -> None:
    loss = {"name": "focal", "label_weights": [1.0, 2.0]}
    head = kind(AB, 6, max_width=4, nested=True, hidden=10, dropout=0.1, loss=loss, **options)
    again = kind(AB, 6, **head.to_dict())
    assert again.to_dict() == head.to_dict()
    again.load_state_dict(head.state_dict())


@pytest.mark.parametrize(("kind", "options"), HEADS)
def test_a_head_learns_nested_entities(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    head = kind(AB, 16, max_width=5, nested=True, hidden=16, dropout=0.0, **options)
    states, lengths = torch.randn(2, 6, 16), torch.tensor([6, 4])
    gold = [
        Target([Entity(0, 5, "A"), Entity(1, 3, "B"), Entity(3, 4, "A")]),
        Target([Entity(0, 4, "B"), Entity(0, 2, "B")]),
    ]
    targets = head.targets(gold, [6, 4])
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(60):
        loss = head.loss(states, lengths, targets).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    readings = head.eval().decode(states, lengths)
    assert [reading.entities for reading in readings] == [sorted(t.entities) for t in gold]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"max_width": 0}, "at least 1 position"),
        ({"max_width": 2, "positions": "absolute"}, "none, rotary or relative"),
        ({"max_width": 2, "positions": "rotary", "hidden": 7}, "even hidden size"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        BiaffineHead(AB, 6, **options)
