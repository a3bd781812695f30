"""The fast gradient method: each batch is learned again where the encoder's input hurts most."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class FastGradient:
    """Moves the encoder's embedding tables by `epsilon` along the gradient of one batch.

    r = epsilon * g / |g|, with |g| over all tables together (Miyato et al. 2017,
    arXiv:1605.07725). Both gradients, at the tables as they are and as they were moved, add up.
    """

    def __init__(self, encoder: nn.Module, epsilon: float):
        self._epsilon = epsilon
        self._tables = [
            module.weight
            for module in encoder.modules()
            if isinstance(module, nn.Embedding) and module.weight.requires_grad
        ]
        self._gradients: list[Tensor] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Within it goes the backward pass of one batch, whose gradient decides the move."""
        before = [table.grad for table in self._tables]  # of a step's other batches
        for table in self._tables:
            table.grad = None
        yield
        self._gradients = []
        for table, earlier in zip(self._tables, before, strict=True):
            here = torch.zeros_like(table) if table.grad is None else table.grad
            self._gradients.append(here.clone())
            table.grad = here if earlier is None else here + earlier

    @contextmanager
    def moved(self) -> Iterator[None]:
        """Within it the tables are moved; afterwards they are what they were, to the bit.

        Nothing moves where the gradient is nothing or, under fp16, not finite.
        """
        norms = [torch.linalg.vector_norm(gradient) for gradient in self._gradients]
        norm = torch.linalg.vector_norm(torch.stack(norms))
        scale = torch.where(norm.isfinite() & (norm > 0), self._epsilon / norm, 0.0)
        before = [table.detach().clone() for table in self._tables]
        with torch.no_grad():
            for table, gradient in zip(self._tables, self._gradients, strict=True):
                table += (gradient * scale).nan_to_num(0.0, 0.0, 0.0)
        try:
            yield
        finally:
            with torch.no_grad():
                for table, kept in zip(self._tables, before, strict=True):
                    table.copy_(kept)
