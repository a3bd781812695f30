"""The chain against every sequence there is: sums, gradients, partial gold, scores of any size."""

import functools
import itertools
import math

import pytest
import torch
from torch import Tensor

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain import steep
from ml_backend.tagger.heads.chain.crf import CRF
from ml_backend.tagger.heads.chain.packing import Packing
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.tag_targets import possible_tags
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import Scheme, SchemeName

LENGTHS = [4, 1, 3, 2]
# the sums run in single precision, in double precision, and in log space
SCALES = [
    pytest.param(1.0, id="single"),
    pytest.param(12.0, id="double"),
    pytest.param(300.0, id="log"),
]


def random_head(name: SchemeName, labels: int, seed: int = 0) -> CrfHead:
    torch.manual_seed(seed)
    head = CrfHead(LabelSet(tuple("ABC"[:labels])), 4, scheme=name)
    for parameter in head.crf.parameters():
        torch.nn.init.normal_(parameter)
    return head


def random_emissions(head: CrfHead, scale: float) -> tuple[Tensor, Tensor]:
    emissions = torch.randn(len(LENGTHS), max(LENGTHS), len(head.scheme.tags)) * scale
    return emissions, torch.tensor(LENGTHS)


@functools.cache
def _paths(tags: int, length: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(tags), repeat=length))


def paths(crf: CRF, length: int) -> list[tuple[int, ...]]:
    """Every legal sequence of a length."""
    legal, starts, ends = crf.legal.tolist(), crf.legal_start.tolist(), crf.legal_end.tolist()
    return [
        path
        for path in _paths(len(starts), length)
        if starts[path[0]]
        and ends[path[-1]]
        and all(legal[i][j] for i, j in itertools.pairwise(path))
    ]


def weights(crf: CRF, emissions: Tensor, some: list[tuple[int, ...]]) -> Tensor:
    """log weight of each of some sequences of a text, in double precision."""
    path = torch.tensor(some)  # (paths, positions)
    total = crf.start_transitions.double()[path[:, 0]] + crf.end_transitions[path[:, -1]]
    emitted = emissions.double()[torch.arange(path.size(1)), path].sum(1)
    return total + emitted + crf.transitions.double()[path[:, :-1], path[:, 1:]].sum(1)


def weight(crf: CRF, emissions: Tensor, path: tuple[int, ...]) -> Tensor:
    return weights(crf, emissions, [path])[0]


def summed(crf: CRF, emissions: Tensor, some: list[tuple[int, ...]]) -> Tensor:
    return weights(crf, emissions, some).logsumexp(0)


def gradients(loss: Tensor, emissions: Tensor, head: CrfHead) -> list[Tensor]:
    """Those of the emissions and of what is legal among the transitions."""
    crf = head.crf
    found = torch.autograd.grad(loss, [emissions, *crf.parameters()])
    kinds = crf.legal_start, crf.legal, crf.legal_end
    return [found[0], *(g[kind] for g, kind in zip(found[1:], kinds, strict=True))]


def close(mine: Tensor, expected: Tensor) -> bool:
    return torch.allclose(mine.double(), expected.double(), atol=1e-4, rtol=1e-6)


@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("scale", SCALES)
def test_partition_and_gradients_are_those_of_enumeration(name: SchemeName, scale: float) -> None:
    head = random_head(name, 1)
    emissions, lengths = random_emissions(head, scale)
    emissions.requires_grad_()
    mine = head.crf.log_partition(emissions, lengths)
    expected = torch.stack(
        [
            summed(head.crf, row, paths(head.crf, n))
            for row, n in zip(emissions, LENGTHS, strict=True)
        ]
    )
    assert close(mine, expected)
    shares = torch.tensor([1.0, -0.5, 2.0, 0.25])
    pairs = zip(
        gradients((mine * shares).sum(), emissions, head),
        gradients((expected * shares).sum(), emissions, head),
        strict=True,
    )
    assert all(close(one, other) for one, other in pairs)


@pytest.mark.parametrize("scale", [1.0, 12.0])
def test_log_space_gives_what_factors_give(scale: float) -> None:
    head = random_head("BIOES", 3)
    torch.nn.init.uniform_(head.crf.transitions)
    emissions = (torch.randn(3, 40, len(head.scheme.tags)) * scale).requires_grad_()
    lengths = torch.tensor([40, 3, 17])
    scores = head.crf.scores(emissions, lengths)
    assert scores.factors is not None
    assert scores.factors.emissions.dtype == (torch.float if scale == 1.0 else torch.double)
    others = scores.start, scores.transitions, scores.end
    slow = steep.log_partition(emissions, *others, Packing.of(lengths, 40))
    quick = head.crf.log_partition(emissions, lengths)
    assert close(quick, slow)
    pairs = zip(
        gradients(quick.sum(), emissions, head), gradients(slow.sum(), emissions, head), strict=True
    )
    assert all(close(one, other) for one, other in pairs)


@pytest.mark.parametrize("scale", SCALES)
def test_conflicting_emissions_are_weighed_against_each_other(scale: float) -> None:
    """First everything speaks for O, then still more for the inside of an entity."""
    head = random_head("BIO", 1)
    for parameter in head.crf.parameters():
        torch.nn.init.zeros_(parameter)
    outside, *entity = head.scheme.encode([Entity(1, 3, "A")], 3)
    emissions = torch.zeros(1, 2, 3)
    emissions[0, 0, outside], emissions[0, 1, entity[1]] = scale, 3 * scale
    lengths = torch.tensor([2])
    assert head.crf.decode(emissions, lengths).tolist() == [entity]
    every = paths(head.crf, 2)
    expected = weight(head.crf, emissions[0], tuple(entity)) - summed(head.crf, emissions[0], every)
    assert close(head.crf.log_likelihood(emissions, torch.tensor([entity]), lengths), expected)
    chance = head.span_log_probability(emissions, lengths, [(0, 0, 2, "A")])
    assert close(chance, expected)


TARGETS = [
    Target([]),
    Target([], missing=frozenset("A")),
    Target([], missing=frozenset("AB")),
    Target([], unknown=[(0, 4)]),
    Target([], unknown=[(1, 3)]),
    Target([], missing=frozenset("B"), unknown=[(2, 3)]),
    Target([Entity(1, 3, "A")], missing=frozenset("A")),
    Target([Entity(1, 2, "A")], missing=frozenset("AB")),
    Target([Entity(0, 2, "B")], missing=frozenset("A"), unknown=[(2, 4)]),
    Target([Entity(0, 2, "B"), Entity(2, 3, "B")], unknown=[(0, 4)]),
    Target([Entity(0, 4, "A")], missing=frozenset("B"), unknown=[(0, 2)]),
]


def agrees(scheme: Scheme, path: tuple[int, ...], target: Target) -> bool:
    """Whether a reading is one that the gold leaves possible, by its entities."""
    found = scheme.decode(path)
    gold = {entity.key for entity in target.entities}
    taken = {place for start, end, _ in gold for place in range(start, end)}
    for start, end, label in set(found) - gold:
        open_ones = [p for p in range(start, end) if not any(s <= p < e for s, e in target.unknown)]
        if taken & set(range(start, end)) or (open_ones and label not in target.missing):
            return False
    return gold <= set(found)


@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("target", TARGETS)
def test_possible_tags_are_those_of_the_readings_that_agree(
    name: SchemeName, target: Target
) -> None:
    head = random_head(name, 2)
    tags = torch.tensor(head.scheme.encode(target.entities, 4))
    possible = possible_tags(head.scheme, target, tags)
    mine = [
        path
        for path in paths(head.crf, 4)
        if all(possible[place, tag] for place, tag in enumerate(path))
    ]
    assert mine == [path for path in paths(head.crf, 4) if agrees(head.scheme, path, target)]
    assert mine


@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("scale", SCALES)
def test_partial_loss_and_gradients_are_those_of_enumeration(
    name: SchemeName, scale: float
) -> None:
    head = random_head(name, 2)
    head.emit = torch.nn.Identity()
    length = torch.full((len(TARGETS),), 4)
    emissions = torch.randn(len(TARGETS), 4, len(head.scheme.tags)) * scale
    emissions.requires_grad_()
    mine = head.loss(emissions, length, head.targets(TARGETS, length.tolist()))
    every = paths(head.crf, 4)
    expected = torch.stack(
        [
            summed(head.crf, row, every)
            - summed(head.crf, row, [p for p in every if agrees(head.scheme, p, target)])
            for row, target in zip(emissions, TARGETS, strict=True)
        ]
    )
    assert close(mine, expected)
    pairs = zip(
        gradients(mine.sum(), emissions, head),
        gradients(expected.sum(), emissions, head),
        strict=True,
    )
    assert all(close(one, other) for one, other in pairs)


def test_padding_changes_no_partial_loss() -> None:
    head = random_head("BIOES", 2)
    states = torch.randn(2, 9, 4)
    target = Target([Entity(1, 3, "A")], missing=frozenset("B"))
    lengths = [4, 9]
    padded = head.loss(states, torch.tensor(lengths), head.targets([target, target], lengths))
    alone = head.loss(states[:1, :4], torch.tensor([4]), head.targets([target], [4]))
    assert close(padded[0], alone[0])


@torch.no_grad()
@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("scale", SCALES)
def test_probability_of_any_span_is_that_of_enumeration(name: SchemeName, scale: float) -> None:
    head = random_head(name, 2)
    emissions, lengths = random_emissions(head, scale)
    spans = [
        (text, start, end, label)
        for text, length in enumerate(LENGTHS)
        for start, end in itertools.combinations(range(length + 1), 2)
        for label in "AB"
    ]
    mine = head.span_log_probability(emissions, lengths, spans).exp()
    for (text, *span), chance in zip(spans, mine, strict=True):
        every = paths(head.crf, LENGTHS[text])
        holding = [path for path in every if tuple(span) in head.scheme.decode(path)]
        row = emissions[text, : LENGTHS[text]]
        expected = summed(head.crf, row, holding) - summed(head.crf, row, every)
        assert chance.item() == pytest.approx(math.exp(expected), abs=1e-5)


def test_a_span_that_cannot_be_is_refused() -> None:
    head = random_head("BIO", 1)
    emissions, lengths = random_emissions(head, 1.0)
    for span in [(1, 0, 2, "A"), (0, 2, 2, "A"), (0, -1, 2, "A"), (0, 0, 1, "Z")]:
        with pytest.raises(ValueError, match="is no entity"):
            head.span_log_probability(emissions, lengths, [span])


def test_probability_of_a_reading_is_that_of_enumeration() -> None:
    head = random_head("BIOES", 1)
    emissions, lengths = random_emissions(head, 2.0)
    readings = [
        [Entity(0, 2, "A"), Entity(2, 3, "A")],
        [Entity(0, 1, "A")],
        [],
        [Entity(0, 2, "A")],
    ]
    mine = head.reading_log_probability(emissions, lengths, readings)
    for row, length, reading, chance in zip(emissions, LENGTHS, readings, mine, strict=True):
        path = tuple(head.scheme.encode(reading, length))
        expected = weight(head.crf, row, path) - summed(head.crf, row, paths(head.crf, length))
        assert close(chance, expected)


@pytest.mark.parametrize("scale", [0.5, 2.0, 6.0, 400.0])
def test_the_most_probable_reading_is_the_heaviest(scale: float) -> None:
    """Whether a text is sure enough for the sums to decide it or not."""
    head = random_head("BIOES", 3)
    emissions = torch.randn(60, 12, len(head.scheme.tags)) * scale
    lengths = torch.randint(1, 13, (60,))
    best, log_probability = head.crf.scores(emissions, lengths).most_probable()
    assert torch.equal(best, head.crf.decode(emissions, lengths))
    assert close(log_probability, head.crf.log_likelihood(emissions, best, lengths))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_states_get_sums_of_full_precision(kind: torch.dtype) -> None:
    head = random_head("BIOES", 2)
    states, lengths = torch.randn(2, 30, 4).to(kind), torch.tensor([30, 11])
    targets = head.targets([Target([Entity(3, 5, "A")])] * 2, [30, 11])
    expected = head.loss(states.float(), lengths, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mine = head.loss(states, lengths, targets)
        mine.sum().backward()
    assert torch.equal(mine, expected)
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())


def test_the_packed_order_is_that_of_packed_sequences() -> None:
    lengths = torch.tensor([3, 5, 1, 5])
    padded = torch.randn(4, 6, 2)
    packing = Packing.of(lengths, 6)
    expected = torch.nn.utils.rnn.pack_padded_sequence(
        padded, lengths, batch_first=True, enforce_sorted=False
    )
    assert torch.equal(packing.pack(padded), expected.data)
    assert packing.sizes == expected.batch_sizes.tolist()
    inside = torch.arange(6) < lengths.unsqueeze(1)
    assert torch.equal(packing.unpack(expected.data), padded * inside.unsqueeze(2))


@pytest.mark.parametrize("lengths", [[], [0, 2], [3, 7]])
def test_lengths_outside_of_the_batch_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"lengths must lie in 1\.\.6"):
        Packing.of(torch.tensor(lengths, dtype=torch.long), 6)


def test_emissions_of_other_shapes_are_refused() -> None:
    crf = random_head("BIO", 1).crf
    with pytest.raises(ValueError, match=r"\(batch, positions, 3\), not \(2, 4, 5\)"):
        crf.log_partition(torch.zeros(2, 4, 5), torch.tensor([4, 4]))
    with pytest.raises(ValueError, match="expected 2 lengths"):
        crf.log_partition(torch.zeros(2, 4, 3), torch.tensor([4]))
