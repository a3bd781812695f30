import pytest
import torch
from torch import Tensor, nn

from ml_backend.training.adversary import FastGradient


class Bag(nn.Module):
    """Two tables and a layer; its output is their rows' product, weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Embedding(5, 3), nn.Embedding(4, 3)
        self.layer = nn.Linear(3, 1)

    def forward(self, left: list[int], right: list[int]) -> Tensor:
        both = self.left(torch.tensor(left)) * self.right(torch.tensor(right))
        result: Tensor = self.layer(both).pow(2).sum()
        return result


@pytest.fixture
def encoder() -> Bag:
    torch.manual_seed(3)
    return Bag()


def values(encoder: Bag) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in encoder.parameters()]


def test_the_tables_move_by_epsilon_along_the_gradient_and_back(encoder: Bag) -> None:
    attack, before = FastGradient(encoder, 0.7), values(encoder)
    with attack.noted():
        encoder([1, 2], [0, 3]).backward()
    gradient = torch.cat([encoder.left.weight.grad.flatten(), encoder.right.weight.grad.flatten()])
    with attack.moved():
        moved = torch.cat([(a - b).flatten() for a, b in zip(values(encoder), before, strict=True)])
        tables, layer = moved[: gradient.numel()], moved[gradient.numel() :]
        assert tables.norm().item() == pytest.approx(0.7, rel=1e-5)
        assert torch.cosine_similarity(tables, gradient, dim=0).item() == pytest.approx(1.0)
        assert not layer.any()
    assert all(torch.equal(a, b) for a, b in zip(values(encoder), before, strict=True))


def test_a_steps_earlier_batches_add_to_the_gradient_but_not_to_the_move(encoder: Bag) -> None:
    first, second = ([0, 4], [1, 1]), ([1, 2], [0, 3])
    attack, moves = FastGradient(encoder, 0.7), []
    for batch in (first, second):
        with attack.noted():
            encoder(*batch).backward()
        before = encoder.left.weight.detach().clone()
        with attack.moved():
            moves.append(encoder.left.weight.detach() - before)
            encoder(*batch).backward()
    assert not moves[1][[0, 3, 4]].any()  # rows of the first batch alone

    # the same by hand: the clean gradients, and those at each batch's own moved tables
    expected = torch.zeros_like(encoder.left.weight)
    for batch in (first, second):
        tables = (encoder.left.weight, encoder.right.weight)
        clean = torch.autograd.grad(encoder(*batch), tables)
        norm = torch.cat([gradient.flatten() for gradient in clean]).norm()
        kept = [table.detach().clone() for table in tables]
        with torch.no_grad():
            for table, gradient in zip(tables, clean, strict=True):
                table += 0.7 * gradient / norm
        expected += clean[0] + torch.autograd.grad(encoder(*batch), tables)[0]
        with torch.no_grad():
            for table, value in zip(tables, kept, strict=True):
                table.copy_(value)
    assert torch.allclose(encoder.left.weight.grad, expected, atol=1e-6)


@pytest.mark.parametrize("factor", [0.0, float("inf")])
def test_a_gradient_without_a_direction_moves_nothing(encoder: Bag, factor: float) -> None:
    attack, before = FastGradient(encoder, 0.7), values(encoder)
    with attack.noted():
        (encoder([1], [0]) * factor).backward()
    with attack.moved():
        assert all(torch.equal(a, b) for a, b in zip(values(encoder), before, strict=True))
