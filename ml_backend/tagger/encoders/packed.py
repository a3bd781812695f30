"""BERT's transformer and its kin's (ELECTRA, RoBERTa, ERNIE, XLM-R, MiniLM) for predicting on a
CPU: no token is computed that is only padding, and nothing between the layers but the layers.

Rows are sorted by length and laid end to end. Linear layers read all tokens of a batch at once;
attention reads rows of one length at once and so needs no mask.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.tagger.encoders.fused import Make, separate

_CLOSE = 1e-3  # outputs are normalised: around 1
_BLOCK = 512  # tokens that go through all layers together: more would leave the caches


class States(NamedTuple):
    """As transformers name it: (rows, tokens, size), zero in the padding."""

    last_hidden_state: Tensor


class Group(NamedTuple):
    """Rows of one length that lie end to end from token `start` on."""

    start: int
    rows: int
    length: int


class PackedTransformer(nn.Module):
    """Computes what the transformer that it was made from computes in evaluation."""

    def __init__(self, transformer: Any, make: Make):
        """Share its weights; `make` turns each of its linear layers into the one to use.

        Raises AttributeError where the transformer has not the parts of BERT.
        """
        super().__init__()
        read = transformer.embeddings
        self.words, self.norm = read.word_embeddings, read.LayerNorm
        places = read.position_embeddings
        first = 0 if places.padding_idx is None else places.padding_idx + 1
        table = places.weight.detach()[first:] + read.token_type_embeddings.weight.detach()[0]
        self.register_buffer("places", table)  # (places, embedding size)
        widen = getattr(transformer, "embeddings_project", None)
        self.widen = nn.Identity() if widen is None else make(widen)
        self.layers = nn.ModuleList(PackedLayer(one, make) for one in transformer.encoder.layer)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> States:
        """Both (rows, tokens); a row's tokens stand before its padding, at least one."""
        lengths = attention_mask.sum(1)
        order = lengths.argsort(stable=True)
        result: Tensor | None = None
        for rows in _blocks(lengths[order].tolist()):
            some = order[rows]
            row, place = attention_mask[some].nonzero(as_tuple=True)  # (all,)
            at = some[row], place
            states = self.words(input_ids[at]) + self.get_buffer("places")[place]
            states = self.widen(self.norm(states))  # (all, size)
            groups = _groups(lengths[some])
            for layer in self.layers:
                states = layer(states, groups)
            if result is None:
                result = states.new_zeros(*input_ids.shape, states.size(1))
            result[at] = states
        assert result is not None
        return States(result)


class PackedLayer(nn.Module):
    """Attention and feed-forward, each added to its input and normalised."""

    def __init__(self, layer: Any, make: Make):
        super().__init__()
        attention, output = layer.attention.self, layer.attention.output
        up, bend = layer.intermediate.dense, layer.intermediate.intermediate_act_fn
        self.heads: int = attention.num_attention_heads
        self.read = make(_stacked([attention.query, attention.key, attention.value]))
        self.mix, self.mix_norm = make(output.dense), output.LayerNorm
        self.down, self.down_norm = make(layer.output.dense), layer.output.LayerNorm
        self.up = make(up, then=bend, into=self.down)

    def forward(self, states: Tensor, groups: list[Group]) -> Tensor:
        """(all, size) to the same shape"""
        read = self.read(states)  # (all, 3 * size)
        mixed = torch.empty_like(states)
        for start, rows, length in groups:
            part = slice(start, start + rows * length)
            # (3, rows, heads, length, size of a head)
            parts = read[part].view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            attended = functional.scaled_dot_product_attention(*parts)
            mixed[part].view(rows, length, self.heads, -1).copy_(attended.transpose(1, 2))
        states = self.mix_norm(self.mix(mixed, states))
        result: Tensor = self.down_norm(self.down(self.up(states), states))
        return result


def packed(transformer: nn.Module, make: Make) -> PackedTransformer | None:
    """The same transformer without padding, or None where it is not of BERT's kind.

    Whether it is, its own outputs say: both are compared in fp32, whatever `make` makes later.
    """
    try:
        if not _same(transformer, PackedTransformer(transformer, separate)):
            return None
        return PackedTransformer(transformer, make)
    except (AttributeError, RuntimeError, TypeError, IndexError):
        return None


@torch.no_grad()
def _same(transformer: nn.Module, other: PackedTransformer) -> bool:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, other.words.num_embeddings, (3, 9), generator=generator)
    mask = (torch.arange(9) < torch.tensor([[4], [9], [4]])).long()
    expected = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
    found = other(input_ids=ids, attention_mask=mask).last_hidden_state
    return bool((expected - found)[mask.bool()].abs().max() < _CLOSE)


def _stacked(layers: Sequence[nn.Linear]) -> nn.Linear:
    """One layer that does what several with the same input do, side by side."""
    result = nn.Linear(layers[0].in_features, sum(layer.out_features for layer in layers))
    with torch.no_grad():
        result.weight.copy_(torch.cat([layer.weight for layer in layers]))
        result.bias.copy_(torch.cat([layer.bias for layer in layers]))
    return result


def _blocks(lengths: Sequence[int]) -> Iterator[slice]:
    """Rows of ascending lengths in slices of about _BLOCK tokens."""
    start = tokens = 0
    for row, length in enumerate(lengths):
        if tokens and tokens + length > _BLOCK:
            yield slice(start, row)
            start, tokens = row, 0
        tokens += length
    yield slice(start, len(lengths))


def _groups(lengths: Tensor) -> list[Group]:
    """Of sorted lengths, (rows,)."""
    groups, start = [], 0
    for length, rows in zip(
        *(counted.tolist() for counted in torch.unique_consecutive(lengths, return_counts=True)),
        strict=True,
    ):
        groups.append(Group(start, rows, length))
        start += rows * length
    return groups
