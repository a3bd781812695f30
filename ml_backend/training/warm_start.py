"""Going on from the champion's weights instead of new ones, with labels added, moved or gone.

Weights are taken over by name: rows of a vocabulary's tables by what they stand for, rows of the
head by kind and label. The champion's reading of a text is kept to the entity before the first
step: what the champion did not know begins as it treated the unknown, and a new label begins as
the mean of the old ones, made a little less likely. So the score of any reading that has a new
label is below the mean of readings in which an old one stands in its place, and below the best.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.heads.head import Head
from ml_backend.tagger.loading import load_model, network_folder
from ml_backend.tagger.model import HEADS, Model, build
from ml_backend.tagger.scheme import Scheme

Weights = dict[str, Tensor]
Row = tuple[str, str]  # kind and label, the label empty for what is no entity

_LESS_LIKELY = 5.0  # nats at each position of a new label

# Tables whose row n + 1 is of the n-th entry of a sorted buffer, and row 0 of the unknown.
_KEYED = {"symbol.weight": "symbols", "characters.symbol.weight": "symbols"}

# Parts of an encoder whose buffers are counted over the gold: the new gold's stay.
_COUNTED = ("evidence.", "lexicon.")

_VECTORS = "lexicon.vectors"
_NONE = torch.empty(0)


_SAMPLE = (
    "서울에서 만난 롯데의 안정환은 1998年 北京에서 Seoul으로, the museum in Ålesund, 東京タワー."
)


def load_champion(folder: Path, mapping: Mapping[str, str]) -> Model:
    """A version's network with its labels called what `mapping` calls them now.

    Of several that have become one, the first takes the name and the others are gone. Raises
    CheckpointError.
    """
    model = load_model(folder)
    names = list(model.labels)
    for place, label in enumerate(names):
        name = mapping.get(label, label)
        if name not in names:
            names[place] = name
    if names == list(model.labels):
        return model
    record = model.to_dict()
    record["encoder"]["labels"] = names
    renamed = build(record, names, network_folder(folder))
    renamed.load_state_dict(model.state_dict())
    return renamed.eval().requires_grad_(False)


@torch.no_grad()
def warm_start(model: Model, champion: Model) -> str:
    """Put the champion's weights into a new model; returns a sentence on what was taken over.

    An encoder or a head of another kind or size cannot be: that part keeps its new weights, and
    the sentence says so.
    """
    reason = _take_encoder(model, champion)
    if reason:
        return f"nothing of the champion: {reason}"
    reason = _take_head(model, champion)
    if reason:
        return f"the champion's encoder, with a new head: {reason}"
    new = [label for label in model.labels if label not in champion.labels]
    return "the champion's encoder and head" + (f", new labels: {', '.join(new)}" if new else "")


def _take_encoder(model: Model, champion: Model) -> str:
    new, old = model.encoder, champion.encoder
    if new.name != old.name:
        return f"its encoder is {old.name}, this one {new.name}"
    weights = cast(nn.Module, new).state_dict()
    before = cast(nn.Module, old).state_dict()
    if weights.keys() != before.keys():
        return "its encoder has other parts"
    if not _read_alike(model, champion):
        return "its encoder has another tokenizer"
    if not torch.equal(weights.get(_VECTORS, _NONE), before.get(_VECTORS, _NONE)):
        return "its encoder reads other word vectors"
    learned = {name for name, _ in cast(nn.Module, new).named_parameters()}
    columns, earlier_columns = new.label_columns(), old.label_columns()
    taken: Weights = {}
    for name, tensor in weights.items():
        value = before[name]
        if name in _KEYED.values() or (name.startswith(_COUNTED) and name not in learned):
            value = tensor
        elif name in _KEYED:
            value = _matched(value, before[_KEYED[name]], weights[_KEYED[name]])
        elif name in columns:
            value = _by_column(value, earlier_columns[name], columns[name])
        if value.shape != tensor.shape:
            return f"its encoder has another size: {name}"
        taken[name] = value
    for name, tensor in weights.items():
        tensor.copy_(taken[name])
    return ""


def _read_alike(model: Model, champion: Model) -> bool:
    """Whether both cut a text into the same pieces, if they do."""
    new, old = model.encoder, champion.encoder
    if not isinstance(new, PretrainedEncoder) or not isinstance(old, PretrainedEncoder):
        return True
    return torch.equal(new.reader().read([_SAMPLE]).ids, old.reader().read([_SAMPLE]).ids)


def _by_column(before: Tensor, earlier: Sequence[str], columns: Sequence[str]) -> Tensor:
    """The weights with a column for each of `columns`: what is told of a new label counts for
    nothing yet."""
    place = {column: number for number, column in enumerate(earlier)}
    rows = before.new_zeros(before.shape[0], 1)
    places = torch.tensor([place.get(column, len(earlier)) for column in columns])
    return torch.cat([before, rows], dim=1)[:, places]


def _matched(table: Tensor, earlier: Tensor, known: Tensor) -> Tensor:
    """The table's rows for `known` in place of `earlier` entries: (1 + known, size)."""
    rows = torch.zeros(1 + len(known), dtype=torch.long)  # row 0: the unknown
    if len(earlier):
        places = torch.searchsorted(earlier, known).clamp(max=len(earlier) - 1)
        rows[1:] = torch.where(earlier[places] == known, places + 1, 0)
    return table[rows]


def _take_head(model: Model, champion: Model) -> str:
    new, old = model.head, champion.head
    if new.name != old.name:
        return f"its head is {old.name}, this one {new.name}"
    rows, earlier = _rows(new), _rows(old)
    if {kind for kind, _ in rows} != {kind for kind, _ in earlier}:
        return "it tags by another scheme"
    weights, before = _parameters(new), _parameters(old)
    if weights.keys() != before.keys():
        return "its head has other parts"
    dimensions = _label_dimensions(model)
    modules = cast(nn.Module, new).named_modules()
    tables = {f"{name}.weight" for name, module in modules if isinstance(module, nn.Embedding)}
    taken: Weights = {}
    for name, tensor in weights.items():
        value = _relabelled(before[name], dimensions[name], rows, earlier)
        if dimensions[name] and name.endswith("bias"):
            _make_less_likely(value, rows, earlier)
        if name in tables and value.shape[1:] == tensor.shape[1:]:
            # of numbers, such as widths: for those that it did not know the last one stands in
            value = value[torch.arange(len(tensor)).clamp(max=len(value) - 1)]
        if value.shape != tensor.shape:
            return f"its head has another size: {name}"
        taken[name] = value
    for name, tensor in weights.items():
        tensor.copy_(taken[name])
    return ""


def _relabelled(
    before: Tensor, dimensions: Sequence[int], rows: list[Row], earlier: list[Row]
) -> Tensor:
    """A parameter of the old head as one of the new: its rows by kind and label.

    Each old label stands in once for all that are new, and the mean over these is taken: a
    reading's score is a sum of parameters, so it becomes the mean of the readings' it stands for.
    """
    place = {row: number for number, row in enumerate(earlier)}
    readings = []
    for stand_in in dict.fromkeys(label for _, label in earlier if label):
        chosen = torch.tensor([place.get(row, place.get((row[0], stand_in))) for row in rows])
        value = before
        for dimension in dimensions:
            block = value.size(dimension) // len(earlier)  # entries of a row
            entries = chosen.unsqueeze(1) * block + torch.arange(block)
            value = value.index_select(dimension, entries.flatten())
        readings.append(value)
    # in double, in which the mean of equal ones is what they are, to the bit
    return torch.stack(readings).double().mean(0).to(before.dtype)


def _make_less_likely(bias: Tensor, rows: list[Row], earlier: list[Row]) -> None:
    """Of a row's entries the last is added to its score as it is."""
    new = torch.tensor([row not in earlier for row in rows])
    bias.view(len(rows), -1)[new, -1] -= _LESS_LIKELY


def _rows(head: Head) -> list[Row]:
    """What the rows of a head's label dimensions stand for, in order."""
    for part in cast(nn.Module, head).modules():
        scheme = getattr(part, "scheme", None)
        if isinstance(scheme, Scheme):
            return scheme.tags
    return [("none", ""), *(("span", label) for label in head.labels)]


def _label_dimensions(model: Model) -> dict[str, list[int]]:
    """Of each of the head's parameters the dimensions that grow with one label more."""
    head, labels = model.head, list(model.labels)
    another = next(name for name in map(str, range(len(labels) + 1)) if name not in labels)
    options: dict[str, Any] = {k: v for k, v in head.to_dict().items() if k != "loss"}
    with torch.random.fork_rng([]):
        larger = HEADS[head.name](LabelSet((*labels, another)), model.encoder.size, **options)
    grown = _parameters(larger)
    return {
        name: [d for d, size in enumerate(tensor.shape) if size != grown[name].size(d)]
        for name, tensor in _parameters(head).items()
    }


def _parameters(head: Head) -> Weights:
    named = cast(nn.Module, head).named_parameters()
    return {name: parameter.detach() for name, parameter in named}
