"""The CRF against pytorch-crf, and against every sequence there is."""

import itertools
import math

import pytest
import torch
import torchcrf
from torch import Tensor

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain.crf import CRF
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.scheme import Scheme, SchemeName

BARRED = -1e4  # what pytorch-crf gets for an illegal transition


def random_crf(name: SchemeName, labels: int, seed: int = 0) -> CRF:
    scheme = Scheme(name, LabelSet(tuple(f"L{number}" for number in range(labels))))
    torch.manual_seed(seed)
    crf = CRF(
        torch.tensor(scheme.legal_transitions()),
        torch.tensor(scheme.legal_starts()),
        torch.tensor(scheme.legal_ends()),
    )
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def unconstrained_crf(tags: int, seed: int = 0) -> CRF:
    torch.manual_seed(seed)
    everything = torch.ones(tags, dtype=torch.bool)
    crf = CRF(torch.ones(tags, tags, dtype=torch.bool), everything, everything)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def oracle(crf: CRF) -> torchcrf.CRF:
    """pytorch-crf with the same parameters, in double, illegal transitions priced out."""
    other = torchcrf.CRF(len(crf.start_transitions), batch_first=True).double()
    with torch.no_grad():
        other.start_transitions.copy_(crf.start_transitions)
        other.start_transitions.masked_fill_(~crf.legal_start, BARRED)
        other.transitions.copy_(crf.transitions.masked_fill(~crf.legal, BARRED))
        other.end_transitions.copy_(crf.end_transitions.masked_fill(~crf.legal_end, BARRED))
    return other


def batch(crf: CRF, lengths: list[int], scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """Emissions, lengths and pytorch-crf's mask."""
    tags = len(crf.start_transitions)
    emissions = torch.randn(len(lengths), max(lengths), tags) * scale
    sizes = torch.tensor(lengths)
    return emissions, sizes, torch.arange(max(lengths)) < sizes.unsqueeze(1)


CASES = [
    pytest.param(lambda: random_crf("BIO", 1), id="BIO-1"),
    pytest.param(lambda: random_crf("BIOES", 1), id="BIOES-1"),
    pytest.param(lambda: random_crf("BIO", 33), id="BIO-33"),
    pytest.param(lambda: random_crf("BIOES", 33), id="BIOES-33"),
    pytest.param(lambda: unconstrained_crf(5), id="all-legal"),
]


@pytest.mark.parametrize("make", CASES)
def test_likelihood_and_gradients_are_those_of_pytorch_crf(make) -> None:
    crf = make()
    other = oracle(crf)
    emissions, lengths, mask = batch(crf, [1, 2, 7, 30, 12])
    tags = crf.decode(torch.randn_like(emissions), lengths)  # some legal sequence
    emissions.requires_grad_()
    likelihood = crf.log_likelihood(emissions, tags, lengths)
    weights = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.25])  # a gradient of its own for each text
    (likelihood * weights).sum().backward()

    copy = emissions.detach().double().requires_grad_()
    expected = other(copy, tags, mask, reduction="none")
    (expected * weights).sum().backward()
    assert torch.allclose(likelihood, expected, atol=1e-4)
    assert torch.allclose(emissions.grad.double(), copy.grad, atol=1e-4)
    legal = {
        "start_transitions": crf.legal_start,
        "transitions": crf.legal,
        "end_transitions": crf.legal_end,
    }
    for name, counts in legal.items():
        mine = getattr(crf, name).grad.double()
        theirs = getattr(other, name).grad
        assert torch.allclose(mine[counts], theirs[counts], atol=1e-4), name
        assert not mine[~counts].any(), name


@pytest.mark.parametrize("make", CASES)
def test_best_paths_are_those_of_pytorch_crf(make) -> None:
    crf = make()
    emissions, lengths, mask = batch(crf, [1, 2, 7, 30, 12, 29, 30])
    paths = crf.decode(emissions, lengths)
    expected = oracle(crf).decode(emissions.double(), mask)
    assert [row[:n] for row, n in zip(paths.tolist(), lengths.tolist(), strict=True)] == expected
    assert not paths[~mask].any()


def test_padding_changes_nothing() -> None:
    crf = random_crf("BIOES", 3)
    emissions, lengths, _ = batch(crf, [4, 9])
    alone = crf.log_partition(emissions[:1, :4], lengths[:1])
    assert torch.allclose(crf.log_partition(emissions, lengths)[0], alone[0])
    emissions[0, 4:] = 1e30
    assert torch.allclose(crf.log_partition(emissions, lengths)[0], alone[0])
    assert crf.decode(emissions, lengths)[0, :4].tolist() == (
        crf.decode(emissions[:1, :4], lengths[:1])[0].tolist()
    )
    emissions.requires_grad_()
    crf.log_partition(emissions, lengths).sum().backward()
    assert not emissions.grad[0, 4:].any()
    assert torch.isfinite(emissions.grad).all()


def test_long_texts_keep_their_precision() -> None:
    crf = random_crf("BIOES", 5)
    emissions, lengths, mask = batch(crf, [3000, 2999])
    tags = crf.decode(emissions, lengths)
    expected = oracle(crf)(emissions.double(), tags, mask, reduction="none")
    assert torch.allclose(crf.log_likelihood(emissions, tags, lengths), expected, atol=2e-3)


def test_marginals_sum_to_one_at_each_character() -> None:
    crf = random_crf("BIOES", 4)
    emissions, lengths, mask = batch(crf, [3, 17])
    marginals = crf.marginals(emissions, lengths)
    assert torch.allclose(marginals.sum(2)[mask], torch.tensor(1.0), atol=1e-4)


def readings(head: CrfHead, emissions: Tensor) -> dict[tuple[tuple[int, int, str], ...], float]:
    """Every reading of one short text with its probability, by enumeration."""
    length = emissions.size(0)
    weights: dict[tuple[tuple[int, int, str], ...], float] = {}
    for path in itertools.product(range(len(head.scheme.tags)), repeat=length):
        try:
            spans = tuple(head.scheme.decode(path))
        except ValueError:
            continue
        crf = head.crf
        weight = crf.start_transitions[path[0]] + crf.end_transitions[path[-1]]
        weight = weight + sum(emissions[place, tag] for place, tag in enumerate(path))
        weight = weight + sum(crf.transitions[i, j] for i, j in itertools.pairwise(path))
        weights[spans] = math.exp(weight)
    total = sum(weights.values())
    return {spans: weight / total for spans, weight in weights.items()}


@torch.no_grad()
@pytest.mark.parametrize("name", ["BIO", "BIOES"])
@pytest.mark.parametrize("seed", range(4))
def test_reading_entities_and_probabilities_are_those_of_enumeration(
    name: SchemeName, seed: int
) -> None:
    torch.manual_seed(seed)
    head = CrfHead(LabelSet(("A",)), 4, scheme=name)  # BIO: three tags
    for parameter in head.crf.parameters():
        torch.nn.init.normal_(parameter)
    states, lengths = torch.randn(4, 4, 4) * 3, torch.tensor([4, 1, 3, 2])
    for row, decoded in enumerate(head.decode(states, lengths)):
        every = readings(head, head.emit(states[row, : lengths[row]]))
        best = max(every, key=every.__getitem__)
        assert tuple(entity.key for entity in decoded.entities) == best
        assert decoded.confidence == pytest.approx(every[best], abs=1e-5)
        assert decoded.nothing == pytest.approx(every[()], abs=1e-5)
        for entity in decoded.entities:
            holding = sum(chance for spans, chance in every.items() if entity.key in spans)
            assert entity.probability == pytest.approx(holding, abs=1e-5)
