"""The doubts job: how likely gold is to models that learned from the other gold alone.

    JOB/request.json            a DoubtsRequest
    JOB/snapshot/train.jsonl    all gold that is looked at, held-out roles too; there is no other
                                part, and nothing that is trained here is kept or judged
    JOB/doubts.jsonl            what was found, a line a document of `train`, in its order

The documents are cut into parts by their groups. For each part one model learns from the others,
a tenth of them set aside to choose its weights on, and reads the part that it never saw. Then
`Result.figures` is `{"documents", "folds", "seconds", "f1"}`, f1 being the strict one of all that
was read so against gold.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml_backend.contract.messages import read_jsonl, write_jsonl

FIND_DOUBTS_JOB = "ml_backend.training.doubts.find_doubts"
DOUBTS = "doubts.jsonl"


@dataclass(frozen=True, slots=True)
class DoubtsRequest:
    """Read each document of `JOB/snapshot/` by a model that has not learned from it.

    `config` are the trainer's options, as of a training; its own `folds` means nothing here.
    """

    folds: int = 5
    seed: int = 0
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """A span as the model that never saw it reads it: code points, the end exclusive.

    `labels` is P(an entity of just this span and this label), whatever else the text holds, by the
    marginals; labels below 0.001 are left out, and what is missing to 1 is that no entity has this
    span. `worst` is the least probability, over the span's characters, of the tag that gold gives
    the character.
    """

    start: int
    end: int
    label: str
    labels: Mapping[str, float]
    worst: float


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's gold entities and those of the model's best reading, each as the model has it.

    `entities` holds none of a label that nobody looked for in the document. `worst` is the least
    probability of gold's tag over all characters, 1 for an empty text; `log_probability` is the
    natural log of the probability of gold as a whole.
    """

    id: str
    gold: list[ReadSpan]
    entities: list[ReadSpan]
    worst: float
    log_probability: float


def write_doubts(job: Path, documents: Iterable[ReadDocument]) -> int:
    """Write what was found into a job's folder, atomically; returns how many documents."""
    return write_jsonl(job / DOUBTS, (asdict(document) for document in documents))


def read_doubts(job: Path) -> Iterator[ReadDocument]:
    """What a job found, document by document, in the order of its snapshot."""
    for record in read_jsonl(job / DOUBTS):
        spans = {
            which: [ReadSpan(**span) for span in record.pop(which)]
            for which in ("gold", "entities")
        }
        yield ReadDocument(**spans, **record)
