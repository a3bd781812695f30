"""What every head can do, whatever it emits."""

from typing import Any

import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.scoring import score
from ml_backend.tagger.model import HEADS
from ml_backend.tagger.positions import Target

LABELS = LabelSet(("PER", "LOC"))
SENTENCES = [
    ("안정환을 서울에서 만났다", [(0, 3, "PER"), (5, 7, "LOC")]),
    ("서울은 크다", [(0, 2, "LOC")]),
    ("어제 비가 왔다", []),
    ("김연아김연아", [(0, 3, "PER"), (3, 6, "PER")]),  # adjacent, one label
    ("부산김연아", [(0, 2, "LOC"), (2, 5, "PER")]),
    ("我在北京见了王明", [(2, 4, "LOC"), (6, 8, "PER")]),
    ("🙂 부산 🙂", [(2, 4, "LOC")]),
    ("x", [(0, 1, "PER")]),
    ("아무도 없다", []),
    ("대한민국서울특별시", [(0, 9, "LOC")]),
]
OPTIONS: dict[str, dict[str, Any]] = {"span": {"max_width": 9}, "biaffine": {"max_width": 9}}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_learns_ten_sentences_by_heart(name: str) -> None:
    torch.manual_seed(0)
    head = HEADS[name](LABELS, 24, **OPTIONS.get(name, {}))
    lengths = [len(text) for text, _ in SENTENCES]
    states = torch.nn.Parameter(torch.randn(len(SENTENCES), max(lengths), 24))
    gold = [[Entity(*entity) for entity in entities] for _, entities in SENTENCES]
    targets = head.targets([Target(entities) for entities in gold], lengths)
    sizes = torch.tensor(lengths)
    optimizer = torch.optim.Adam([states, *head.parameters()], lr=0.05)
    for _ in range(80):
        loss = head.loss(states, sizes, targets)
        assert loss.shape == (len(SENTENCES),)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    decoded = head.eval().decode(states.detach(), sizes)
    assert score(gold, [reading.entities for reading in decoded]).micro.f1 == 1.0
    assert all(reading.confidence > 0.5 for reading in decoded)
    assert all(e.probability > 0.5 for reading in decoded for e in reading.entities)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_made_again_from_its_record(name: str) -> None:
    torch.manual_seed(0)
    head = HEADS[name](LABELS, 8, **OPTIONS.get(name, {})).eval()
    same = HEADS[name](LABELS, 8, **head.to_dict()).eval()
    same.load_state_dict(head.state_dict())
    states, lengths = torch.randn(3, 9, 8), torch.tensor([9, 1, 5])
    assert same.decode(states, lengths) == head.decode(states, lengths)
