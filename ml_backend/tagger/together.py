"""Several models as one, whose scores are the mean of theirs; and that one taken apart again.

The scores that a CRF or softmax head gives a tag are linear in the encoder's vectors. So the mean
over members is itself one head, on the members' vectors side by side: decoding, probabilities,
calibration and forms are those of any model, and exact. A product of experts (Hinton 2002), each
to the power of one over their number.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.several import SeveralEncoders
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.softmax import SoftmaxHead
from ml_backend.tagger.model import Model


@torch.no_grad()
def together(members: Sequence[Model]) -> Model:
    """One model of members with built-in encoders and heads of one kind, crf or softmax.

    Raises ValueError for others.
    """
    encoders = [model.encoder for model in members]
    if not all(isinstance(encoder, BuiltinEncoder) for encoder in encoders):
        raise ValueError("only built-in encoders go together")
    heads = [_chain(model) for model in members]
    joined = SeveralEncoders([copy.deepcopy(one) for one in encoders])  # type: ignore[misc]
    head = copy.deepcopy(members[0].head)
    chain = _chain(Model(joined, head))
    chain.emit = nn.Linear(joined.size, chain.emit.out_features)
    chain.emit.weight.copy_(torch.cat([one.emit.weight for one in heads], dim=1) / len(heads))
    chain.emit.bias.copy_(_mean([one.emit.bias for one in heads]))
    theirs = [dict(one.crf.named_parameters()) for one in heads]
    for name, parameter in chain.crf.named_parameters():
        parameter.copy_(_mean([one[name] for one in theirs]))
    return Model(joined, head)


@torch.no_grad()
def apart(model: Model) -> list[Model]:
    """The members of a model that `together` made, each with the mean of their transitions; any
    other model is its own only member."""
    if not isinstance(model.encoder, SeveralEncoders):
        return [model]
    encoders = model.encoder.members
    weights = torch.split(_chain(model).emit.weight, [one.size for one in encoders], dim=1)
    members = []
    for encoder, weight in zip(encoders, weights, strict=True):
        head = copy.deepcopy(model.head)
        member = Model(copy.deepcopy(encoder), head)
        chain = _chain(member)
        bias, chain.emit = chain.emit.bias, nn.Linear(encoder.size, chain.emit.out_features)
        chain.emit.weight.copy_(weight * len(encoders))
        chain.emit.bias.copy_(bias)
        members.append(member)
    return members


def _chain(model: Model) -> CrfHead:
    head = model.head
    if isinstance(head, SoftmaxHead):
        return head.chain
    if type(head) is CrfHead:
        return head
    raise ValueError(f"only crf and softmax heads go together, not {type(head).__name__}")


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).mean(0)
