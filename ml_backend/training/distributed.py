"""One training in several processes, as torchrun starts them; one process is the usual case.

The processes take a step's batches in turn and add up their gradients. Each knows the whole plan
and has the same weights, so only gradients, losses and the first process's verdicts are sent.
"""

import atexit
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

# The others wait while the first process scores the dev part.
_PATIENCE = timedelta(hours=1)

# What this process sends from Python, once it has joined others.
_group: list[dist.ProcessGroup] = []


def is_first() -> bool:
    """Whether this process is the one that writes, watches and goes on after training."""
    return int(os.environ.get("RANK", "0")) == 0


def processes(device: torch.device) -> "Processes":
    """Join the other processes that torchrun started; alone where it was not torchrun.

    They speak by NCCL on GPUs, of which each process takes its own, and by Gloo on CPUs, and stay
    together until they end.

    What is sent from Python has a group of its own, whose threads end before the interpreter does.
    `DistributedDataParallel` keeps the threads of its group for ever, and one that still holds a
    tensor of Python's then would abort the process.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Processes(0, 1, device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
        _group.append(dist.new_group())
        atexit.register(_leave)
    return Processes(dist.get_rank(), size, device)


def _leave() -> None:
    _group.clear()
    dist.destroy_process_group()


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among `size`, counted from 0, and the device that is its own."""

    rank: int
    size: int
    device: torch.device

    def joined(self, model: nn.Module) -> nn.Module:
        """The model, its gradients averaged over the processes by each backward pass."""
        if self.size == 1:
            return model
        own = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=own)

    def apart(self, joined: nn.Module) -> AbstractContextManager[None]:
        """Within it a backward pass only adds to this process's gradients; the next one outside
        averages them all."""
        if isinstance(joined, DistributedDataParallel):
            return joined.no_sync()
        return nullcontext()

    def total(self, value: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.size > 1:
            dist.all_reduce(value, group=_group[0])
        return value

    def from_first(self, value: Any) -> Any:
        """What the first process has, given to all: plain values."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, group=_group[0], device=self.device)
        return box[0]
