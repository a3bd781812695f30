"""The CRF against pytorch-crf: Viterbi, and the loss with its gradient.

128 texts of at most 128 positions, 67 tags (BIO of 33 labels), the same parameters on both sides,
both in turn. `full`: every text has 128 positions; `masked`: lengths like those of sentences, from
8 to 128. A bar is for the lesser of the two ratios on a CPU, with one thread, as a tagger runs;
with two threads, and on a GPU where there is one, the ratios are printed too.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch
import torchcrf
from torch import Tensor

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain.crf import CRF
from ml_backend.tagger.scheme import Scheme

TEXTS, POSITIONS, LABELS, SEED = 128, 128, 33, 7
TURNS, FEWER_TURNS = 9, 3  # for a bar; for what is printed besides
BARS = {"decode_ratio": 4.0, "loss_gradient_ratio": 15.0}

Call = Callable[[], object]


def main() -> int:
    """Measure once and print the figures; 1 when a bar is missed."""
    one_thread = measure(torch.device("cpu"), threads=1, turns=TURNS)
    missed = False
    for name, bar in BARS.items():
        value = min(one_thread[name, "full"], one_thread[name, "masked"])
        missed |= value < bar
        report(name, value, bar)
    further = {"1_thread": one_thread}
    further["2_threads"] = measure(torch.device("cpu"), threads=2, turns=FEWER_TURNS)
    if torch.cuda.is_available():
        further["cuda"] = measure(torch.device("cuda"), threads=1, turns=FEWER_TURNS)
    for where, ratios in further.items():
        for (name, lengths), value in ratios.items():
            report(f"{name}_{lengths}_{where}", value)
    return 1 if missed else 0


def report(name: str, value: float, bar: float | None = None) -> None:
    """One figure as a line."""
    ok = bar is None or value >= bar
    record = {"name": name, "value": round(value, 2), "bar": bar, "unit": "times", "ok": ok}
    print(json.dumps(record))


def measure(device: torch.device, *, threads: int, turns: int) -> dict[tuple[str, str], float]:
    """How many times faster, for each figure and each kind of lengths."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    found = {
        (name, lengths): ratio(ours, theirs, device, turns)
        for name, lengths, ours, theirs in calls(device)
    }
    torch.set_num_threads(before)
    return found


def calls(device: torch.device) -> Iterator[tuple[str, str, Call, Call]]:
    """Each figure, the kind of lengths, and what to run on either side."""
    torch.manual_seed(SEED)
    scheme = Scheme("BIO", LabelSet(tuple(f"L{number}" for number in range(LABELS))))
    ours = CRF(
        torch.tensor(scheme.legal_transitions()),
        torch.tensor(scheme.legal_starts()),
        torch.tensor(scheme.legal_ends()),
    ).to(device)
    theirs = torchcrf.CRF(len(scheme.tags), batch_first=True).to(device)
    ours.load_state_dict(theirs.state_dict())
    emissions = torch.randn(TEXTS, POSITIONS, len(scheme.tags), device=device)
    full = torch.full((TEXTS,), POSITIONS, device=device)
    # of sentences of corpora: most are short, some are several times as long
    masked = (torch.randn(TEXTS).mul(0.6).exp() * 40).long().clamp(8, POSITIONS).to(device)
    masked[0] = POSITIONS
    for kind, lengths in (("full", full), ("masked", masked)):
        mask = torch.arange(POSITIONS, device=device) < lengths.unsqueeze(1)
        tags = ours.decode(torch.randn_like(emissions), lengths)  # legal ones
        yield from _two_figures(kind, ours, theirs, emissions, lengths, mask, tags)


def _two_figures(
    kind: str,
    ours: CRF,
    theirs: torchcrf.CRF,
    emissions: Tensor,
    lengths: Tensor,
    mask: Tensor,
    tags: Tensor,
) -> Iterator[tuple[str, str, Call, Call]]:
    def our_loss() -> None:
        copy = emissions.clone().requires_grad_()
        ours.zero_grad()
        (-ours.log_likelihood(copy, tags, lengths)).mean().backward()

    def their_loss() -> None:
        copy = emissions.clone().requires_grad_()
        theirs.zero_grad()
        (-theirs(copy, tags, mask, reduction="mean")).backward()

    def our_paths() -> list[list[int]]:
        paths = ours.decode(emissions, lengths).tolist()
        return [path[:length] for path, length in zip(paths, lengths.tolist(), strict=True)]

    @torch.no_grad()
    def their_paths() -> object:
        return theirs.decode(emissions, mask)

    yield "decode_ratio", kind, our_paths, their_paths
    yield "loss_gradient_ratio", kind, our_loss, their_loss


def ratio(ours: Call, theirs: Call, device: torch.device, turns: int) -> float:
    """The median of their time by ours, each turn one after the other."""

    def seconds(call: Call) -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    for call in (ours, theirs):
        call()  # the first time pays for memory
    return statistics.median(seconds(theirs) / seconds(ours) for _ in range(turns))


if __name__ == "__main__":
    sys.exit(main())
