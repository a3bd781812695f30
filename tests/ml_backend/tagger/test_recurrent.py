"""The recurrent heads: what they read of a text is the text, from both its ends."""

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.recurrent import BiGruCrfHead, BiLstmCrfHead
from ml_backend.tagger.positions import Target
from ml_backend.tagger.recurrent import BiRecurrent

HEADS = [BiLstmCrfHead, BiGruCrfHead]


@pytest.mark.parametrize("cell", [torch.nn.LSTM, torch.nn.GRU])
def test_both_directions_are_those_of_torch_on_packed_sequences(cell) -> None:
    torch.manual_seed(0)
    mine = BiRecurrent(cell, 3, 5)
    other = cell(3, 5, batch_first=True, bidirectional=True)
    for name, parameter in mine.onward.named_parameters():
        getattr(other, name).data.copy_(parameter)
    for name, parameter in mine.back.named_parameters():
        getattr(other, f"{name}_reverse").data.copy_(parameter)
    states, lengths = torch.randn(4, 7, 3), torch.tensor([7, 1, 4, 6])
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        states, lengths, batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(other(packed)[0], batch_first=True)
    inside = torch.arange(7) < lengths.unsqueeze(1)
    assert torch.allclose(mine(states, lengths)[inside], expected[inside], atol=1e-6)


@pytest.mark.parametrize("head_class", HEADS)
def test_padding_changes_nothing(head_class) -> None:
    torch.manual_seed(0)
    head = head_class(LabelSet(("A",)), 4, hidden=6).eval()
    states = torch.randn(2, 9, 4)
    gold = Target([Entity(1, 3, "A")])
    both = head.loss(states, torch.tensor([5, 9]), head.targets([gold, gold], [5, 9]))
    alone = head.loss(states[:1, :5], torch.tensor([5]), head.targets([gold], [5]))
    assert torch.allclose(both[0], alone[0])
    decoded = head.decode(states, torch.tensor([5, 9]))[0]
    by_itself = head.decode(states[:1, :5], torch.tensor([5]))[0]
    assert decoded.entities == by_itself.entities
    assert decoded.confidence == pytest.approx(by_itself.confidence)


@pytest.mark.parametrize("head_class", HEADS)
def test_its_options_make_the_same_head(head_class) -> None:
    labels = LabelSet(("A", "B"))
    head = head_class(labels, 4, scheme="BIO", hidden=6, dropout=0.25)
    same = head_class(labels, 4, **head.to_dict())
    same.load_state_dict(head.state_dict())
    assert same.to_dict() == head.to_dict()
    assert same.dropout.p == 0.25
    assert {id(p) for p in head.transition_parameters()} == {
        id(p) for name, p in head.named_parameters() if "transitions" in name
    }
