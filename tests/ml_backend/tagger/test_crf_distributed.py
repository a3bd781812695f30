"""The CRF head under DistributedDataParallel: two processes learn what one would."""

import os
from pathlib import Path

import torch
from torch import multiprocessing
from torch.nn.parallel import DistributedDataParallel

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.positions import Target

LENGTHS = [6, 3, 1, 5]
TARGETS = [
    Target([Entity(1, 3, "A")]),
    Target([], missing=frozenset("B")),  # only the first process has partial gold
    Target([Entity(0, 1, "B")]),
    Target([]),
]


class Loss(torch.nn.Module):
    """DistributedDataParallel wants a forward."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = CrfHead(LabelSet(("A", "B")), 4)

    def forward(self, rows: slice) -> torch.Tensor:
        states = torch.randn(4, 6, 4, generator=torch.Generator().manual_seed(1))
        targets = self.head.targets(TARGETS[rows], LENGTHS[rows])
        lengths = torch.tensor(LENGTHS[rows])
        positions = int(lengths.max())
        return self.head.loss(states[rows, :positions], lengths, targets).mean()


def gradients(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name.removeprefix("module."): p.grad for name, p in module.named_parameters()}


def learn(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = torch.distributed.FileStore(os.path.join(folder, "store"), 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DistributedDataParallel(Loss())
    model(slice(2 * rank, 2 * rank + 2)).backward()
    torch.save(gradients(model), os.path.join(folder, f"{rank}.pt"))
    torch.distributed.destroy_process_group()


def test_two_processes_get_the_gradients_of_one(tmp_path: Path) -> None:
    multiprocessing.spawn(learn, (str(tmp_path),), nprocs=2)
    model = Loss()
    model(slice(0, 4)).backward()
    for name, expected in gradients(model).items():
        for rank in range(2):
            found = torch.load(tmp_path / f"{rank}.pt")[name]
            assert torch.allclose(found, expected, atol=1e-6), name
